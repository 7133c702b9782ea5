/** What one check found. Wrong things say what to do, as a command where there is one. */
export type Finding =
  | { readonly level: 'fine'; readonly what: string }
  | { readonly level: 'note' | 'warning' | 'error'; readonly what: string; readonly mend: string };

export const fine = (what: string): Finding => ({ level: 'fine', what });
export const note = (what: string, mend: string): Finding => ({ level: 'note', what, mend });
export const warning = (what: string, mend: string): Finding => ({ level: 'warning', what, mend });
export const error = (what: string, mend: string): Finding => ({ level: 'error', what, mend });
