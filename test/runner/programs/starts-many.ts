/** A daemon in small, made to be killed: starts COUNT services in HOME_FOLDER at once and says which it knows to be up. */
import { randomBytes } from 'node:crypto';
import { ScriptRunner } from '../../../daemon/runner/script/script-runner.js';

const [, , home = '', count = '0', variables = '{}'] = process.argv;
const runner = new ScriptRunner({ home, baseEnvironment: JSON.parse(variables) as Record<string, string> });
setInterval(() => undefined, 1_000);
await runner.adopt();
process.stdout.write('ready\n');
process.stdin.once('data', () => {
  for (let number = 1; number <= Number(count); number += 1) {
    const incarnation = randomBytes(9).toString('hex');
    runner
      .launch({
        ref: { source: 'test', service: 'web', number },
        incarnation,
        command: { run: number % 10 === 0 ? `exit ${number % 200}` : 'exec sleep 1000' },
        environment: {},
        workingDirectory: home,
        stdoutPath: '/dev/null',
        stderrPath: '/dev/null',
      })
      .then(
        (instance) => process.stdout.write(`up ${number} ${instance.pid}\n`),
        (error: unknown) => process.stdout.write(`failed ${number} ${String(error)}\n`),
      );
  }
});
