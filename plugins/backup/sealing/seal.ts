/** How the files of one snapshot are closed, and what a reader of it needs beside the key. */
export interface Sealing {
  readonly encrypted: boolean;
  /** What goes into the snapshot so that it can be opened; null: nothing. */
  readonly keyFile: Uint8Array | null;
  /** Ends the names of sealed files. */
  readonly suffix: '' | '.age';
  seal(content: Uint8Array): Promise<Uint8Array>;
  /** What opens it, where the key was just seen to open what an earlier snapshot was closed with; null: that has to be shown yet. */
  readonly proven: Opening | null;
}

/** How they are opened. */
export interface Opening {
  /** @throws Unopened */
  open(content: Uint8Array): Promise<Uint8Array>;
}

/** A file cannot be opened: it is damaged, or the key is not the one that it was closed with. Ends a sentence. */
export class Unopened extends Error {}

export const unsealed: Sealing & Opening = {
  encrypted: false,
  keyFile: null,
  suffix: '',
  seal: async (content) => content,
  open: async (content) => content,
  proven: null,
};
