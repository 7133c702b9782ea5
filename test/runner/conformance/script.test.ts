import { readFileSync } from 'node:fs';
import { describe } from '@jest/globals';
import { servicesInProc } from '../../support/services-in-proc.js';
import { conformance } from './conformance.js';
import type { Subject } from './subject.js';

const script: Subject = {
  type: 'script',
  runner: (program) => ({ type: 'script', script: { run: program } }),
  server: ({ home }) => `mkdir -p ${home}/www/$HIVE_SERVICE_FQN$PORT && cd ${home}/www/$HIVE_SERVICE_FQN$PORT && echo $HIVE_INSTANCE > index.html && exec busybox httpd -f -p 127.0.0.1:$PORT`,
  privateFile: ({ home }, name) => `${home}/${name}`,
  killed: { code: null, signal: 'SIGKILL' },
  there: ({ home }) => [...servicesInProc(home).pids].map(([instance, pid]) => `${instance} running as ${pid}`),
  shownToOthers: ({ home }) => [...servicesInProc(home).pids].map(([instance, pid]) => `${instance} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`).join('\n'),
};

describe('the script runner', () => conformance('script', () => script));
