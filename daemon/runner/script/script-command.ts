/** What the script runner needs to know of a command. */
export interface ScriptCommand {
  /** Given to `shell -c`; a first line `#!interpreter` makes it a script for that interpreter instead. */
  readonly run: string;
  /** Absolute path; default `/bin/sh`. */
  readonly shell?: string;
}
