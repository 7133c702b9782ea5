import type { Context } from '../context.js';
import { checkDaemon } from '../doctor/check-daemon.js';
import { checkEngines } from '../doctor/check-engines.js';
import { checkHome } from '../doctor/check-home.js';
import { checkMachine } from '../doctor/check-machine.js';
import { checkSwarm } from '../doctor/check-swarm.js';
import { exitCodes, type ExitCode } from '../exit-codes.js';
import { renderFindings } from '../render/findings.js';
import { count } from '../render/text.js';

/** `hivectl doctor`: looks at everything that a start needs; changes nothing. */
export async function doctor(context: Context): Promise<ExitCode> {
  const machine = await checkMachine();
  const home = checkHome(context.home, context.socket);
  const { findings, services } = await checkDaemon(context);
  const all = [...machine, ...home, ...findings, ...(await checkEngines(services)), ...(await checkSwarm(services))];
  const wrong = all.filter(({ level }) => level === 'error').length;
  context.show({ findings: all }, () => {
    const lines = renderFindings(context.options.quiet ? all.filter(({ level }) => level !== 'fine') : all, context.terminal.paint);
    return [...lines, '', wrong === 0 ? 'Nothing stands in the way.' : `${count(wrong, 'thing')} to mend.`];
  });
  return wrong === 0 ? exitCodes.done : exitCodes.failed;
}
