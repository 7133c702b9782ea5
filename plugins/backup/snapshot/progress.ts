/** How far a job is; a sentence that a person can read, and counts where there are any. */
export interface Progress {
  readonly step: string;
  readonly done?: number;
  readonly of?: number;
}

export type Tell = (progress: Progress) => void;
