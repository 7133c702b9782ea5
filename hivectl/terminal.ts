import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/** Colours a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

export const plainPaint: Paint = (_style, text) => text;

/** Whether to paint was decided before; styleText would look at the environment on its own, and differently. */
const paintAlways: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** Where a command writes to, and what may be shown there. */
export interface Terminal {
  /** Results. */
  readonly out: (text: string) => void;
  /** Errors, notes and progress. */
  readonly err: (text: string) => void;
  /** Columns of a terminal; null: the output is read by a program, nothing is to be cut. */
  readonly columns: number | null;
  /** Rows of the terminal that progress is drawn on; null: no terminal, no drawing. */
  readonly progressRows: number | null;
  readonly paint: Paint;
  readonly paintErr: Paint;
}

/** The terminal of this process. NO_COLOR (any value but the empty one) and `--no-color` turn colours off. */
export function processTerminal(wantsColor: boolean, environment: NodeJS.ProcessEnv = process.env): Terminal {
  const mayPaint = wantsColor && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
  const paintFor = (stream: NodeJS.WriteStream): Paint => (mayPaint && stream.isTTY ? paintAlways : plainPaint);
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    columns: process.stdout.isTTY ? process.stdout.columns : null,
    progressRows: process.stderr.isTTY && environment['TERM'] !== 'dumb' ? process.stderr.rows : null,
    paint: paintFor(process.stdout),
    paintErr: paintFor(process.stderr),
  };
}
