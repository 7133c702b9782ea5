import type { ContainerSeen } from '../../support/engines/containers-seen.js';
import type { TestEngine } from '../../support/engines/engine.js';
import type { Subject } from './subject.js';

/** A subject whose services live in containers of this engine; `list` asks the engine itself. */
export function containerSubject(engine: TestEngine, list: () => ContainerSeen[]): Subject {
  return {
    type: engine.type,
    runner: (program, options = {}) => ({
      type: engine.type,
      [engine.type]: { image: engine.image, command: ['sh', '-c', program], socket: engine.socket, ...(options.http === true ? { ports: ['127.0.0.1:{{runtime.port.http}}:80'] } : {}) },
    }),
    server: () => 'cd /tmp && echo $HIVE_INSTANCE > index.html && exec httpd -f -p 80',
    privateFile: (_hive, name) => `/tmp/${name}`,
    killed: { code: 137, signal: null },
    there: () => list().map(({ name, state, labels }) => `${name} ${labels['hive.service']}#${labels['hive.instance']} ${state}`),
    shownToOthers: () => JSON.stringify(list()),
  };
}
