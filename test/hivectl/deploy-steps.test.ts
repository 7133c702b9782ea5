import { describe, expect, it } from '@jest/globals';
import { renderDeploys, type DeployRow } from '../../hivectl/render/deploy-steps.js';
import { plainPaint } from '../../hivectl/terminal.js';

const step = (text: string, beganAt: number, endedAt: number | null = null): DeployRow['steps'][number] => ({ text, beganAt, endedAt });
const row = (of: Partial<DeployRow>): DeployRow => ({ fqn: 'shop:web', strategy: 'blue-green', steps: [], outcome: null, ...of });
const render = (rows: readonly DeployRow[], height = 24, columns = 60): string[] => renderDeploys(rows, { columns, rows: height, now: 3_000 }, plainPaint);

describe('the steps of a deploy', () => {
  it('are shown with how long each took, the last one still going', () => {
    expect(render([row({ steps: [step('waiting for #2 to be healthy', 0, 400), step('draining and stopping #1', 400)] })])).toEqual([
      'shop:web  blue-green',
      '├─ ✔ waiting for #2 to be healthy  0.4s',
      '└─ … draining and stopping #1  2.6s',
    ]);
  });

  it('say at which one it failed', () => {
    const steps = [step('waiting for #2 to be healthy', 0, 400)];
    expect(render([row({ steps, outcome: 'failed' })]).at(-1)).toBe('└─ ✘ waiting for #2 to be healthy  0.4s');
    expect(render([row({ steps, outcome: 'done' })]).at(-1)).toBe('└─ ✔ waiting for #2 to be healthy  0.4s');
  });

  it('fit into the terminal: the newest of each, and no line too long', () => {
    const steps = Array.from({ length: 30 }, (_, index) => step(`a step whose name is rather long, number ${index}`, index, index + 1));
    const lines = render([row({ steps }), row({ fqn: 'shop:api', steps })], 12, 40);
    expect(lines.length).toBeLessThan(12);
    expect(lines.filter((line) => line.length > 40)).toEqual([]);
    expect(lines.filter((line) => line.startsWith('shop:'))).toHaveLength(2);
  });
});
