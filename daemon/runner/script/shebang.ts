export interface Shebang {
  readonly interpreter: string;
  /** Everything after the interpreter is one argument, as the kernel has it. */
  readonly argument: string | null;
}

/** The interpreter that a text's first line `#!…` names; null when it has no such line. */
export function parseShebang(text: string): Shebang | null {
  const match = /^#![ \t]*([^ \t\n]+)(?:[ \t]+([^\n]*?))?[ \t]*(?:\n|$)/.exec(text);
  if (match === null) return null;
  const [, interpreter = '', argument = ''] = match;
  return { interpreter, argument: argument === '' ? null : argument };
}
