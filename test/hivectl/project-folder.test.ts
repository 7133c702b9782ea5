import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProjectFolder, sourceOfFolder } from '../../hivectl/names/project-folder.js';

let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'hive-project-'));
  await mkdir(join(root, 'shop', '.adi'), { recursive: true });
  await mkdir(join(root, 'shop', 'src', 'deep'), { recursive: true });
  await mkdir(join(root, 'base'), { recursive: true });
  await writeFile(join(root, 'shop', '.adi', 'hive.yaml'), 'version: "1"\nservices: {}\n');
  await writeFile(join(root, 'base', 'hive.db'), '');
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe('the project folder', () => {
  it('is found from below', () => {
    expect(findProjectFolder(join(root, 'shop', 'src', 'deep'))?.root).toBe(join(root, 'shop'));
  });

  it('may hold a database', () => {
    expect(findProjectFolder(join(root, 'base'))).toEqual({ root: join(root, 'base'), file: join(root, 'base', 'hive.db') });
  });

  it('is missing where nobody wrote one', () => {
    expect(findProjectFolder(root)).toBeNull();
  });

  it('is matched with its source by folder or file', () => {
    const project = { root: '/p', file: '/p/.adi/hive.yaml' };
    const source = (path: string) => ({ name: 'p', kind: 'yaml' as const, path, enabled: true, status: 'loaded' as const, problems: [], services: 1, revision: 1 });
    expect(sourceOfFolder(project, [source('/other'), source('/p')])?.path).toBe('/p');
    expect(sourceOfFolder(project, [source('/p/.adi/hive.yaml')])?.path).toBe('/p/.adi/hive.yaml');
    expect(sourceOfFolder(project, [source('/p/sub')])).toBeUndefined();
  });
});
