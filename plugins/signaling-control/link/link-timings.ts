/** All in milliseconds. */
export interface LinkTimings {
  readonly connectMs: number;
  /** Between the opening and the server's word that this Hive is registered. */
  readonly registerMs: number;
  readonly pingMs: number;
  /** Answers are asked for soon after results were sent: then they have arrived. */
  readonly confirmMs: number;
  /** A registration that lasted so long forgives the failures before it. */
  readonly steadyMs: number;
}

export const defaultLinkTimings: LinkTimings = { connectMs: 10_000, registerMs: 10_000, pingMs: 30_000, confirmMs: 250, steadyMs: 10_000 };
