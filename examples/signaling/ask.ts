/**
 * `ask.js URL spawn [name] [--kind KIND]` and `ask.js URL terminate NAME`: asks for a cocoon, or for its end, at the address
 * that try-it.js prints, and shows what Hive answers. Exit code 1 when it did not succeed.
 */
import { parseArgs } from 'node:util';

const usage = 'ask.js URL spawn [NAME] [--kind KIND]\nask.js URL terminate NAME\n';

async function main(): Promise<number> {
  const { values: { kind }, positionals: [url, what, name] } = parseArgs({ allowPositionals: true, options: { kind: { type: 'string' } } });
  if (url === undefined || (what !== 'spawn' && what !== 'terminate')) {
    process.stderr.write(usage);
    return 2;
  }
  const response = await fetch(`${url}/${what}`, { method: 'POST', body: JSON.stringify({ kind, name }) });
  const answer = (await response.json()) as { success?: boolean };
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  return answer.success === true ? 0 : 1;
}

main().then((code) => { process.exitCode = code; }, (thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
});
