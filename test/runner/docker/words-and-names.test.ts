import { describe, expect, it } from '@jest/globals';
import { publishedPort } from '../../../daemon/runner/command-of.js';
import { registryOf } from '../../../daemon/runner/docker/registry-credentials.js';
import { containerNameOf, identityIn, labelsOf } from '../../../daemon/runner/docker/labels.js';
import { splitWords } from '../../../shared/config/split-words.js';

describe('what a container is told', () => {
  it.each([
    ['httpd -f -p 80', ['httpd', '-f', '-p', '80']],
    ['  sh  -c "echo \'two  words\'; exit 1" ', ['sh', '-c', "echo 'two  words'; exit 1"]],
    [`say 'a "b" $c' d\\ e ""`, ['say', 'a "b" $c', 'd e', '']],
    ['"a\\"b" \'c\\d\'', ['a"b', 'c\\d']],
    ['--port={{runtime.port.http}}', ['--port={{runtime.port.http}}']],
    ['', []],
  ])('the words of %j', (text, words) => expect(splitWords(text)).toEqual(words));

  it('published ports', () => {
    expect(publishedPort('8080:80')).toEqual({ hostAddress: null, hostPort: 8080, containerPort: 80, protocol: 'tcp' });
    expect(publishedPort('127.0.0.1:53:53/udp')).toEqual({ hostAddress: '127.0.0.1', hostPort: 53, containerPort: 53, protocol: 'udp' });
    expect(publishedPort('[::1]:1:2')).toMatchObject({ hostAddress: '::1' });
    for (const wrong of ['80', 'a:80', '70000:80', '0:80', '1:2:3', '80:80/icmp']) expect(() => publishedPort(wrong)).toThrow('is no published port');
  });

  it.each([['nginx', null], ['library/nginx:1', null], ['ghcr.io/a/b:1', 'ghcr.io'], ['localhost/a', 'localhost'], ['127.0.0.1:5000/a:1', '127.0.0.1:5000']])('the registry of %s', (image, registry) => expect(registryOf(image)).toBe(registry));

  it('labels that nobody else can claim, and names that two services never share', () => {
    const ref = { source: 'a', service: 'b-c', number: 2 };
    const labels = labelsOf('0123456789abcdef', ref, 'life', { team: 'x', 'hive.service': 'forged:one' });
    expect(identityIn(labels, '0123456789abcdef')).toEqual({ ref, incarnation: 'life', task: null });
    expect(identityIn(labels, 'fedcba9876543210')).toBeNull();
    expect(identityIn({ ...labels, 'hive.instance': '-1' }, '0123456789abcdef')).toBeNull();
    expect(containerNameOf('0123456789abcdef', ref)).not.toBe(containerNameOf('0123456789abcdef', { source: 'a-b', service: 'c', number: 2 }));
  });
});
