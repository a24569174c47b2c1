export interface BackoffSettings {
  /** ceiling of the first wait, ms */
  minMs: number;
  /** ceiling of all waits, ms */
  maxMs: number;
  /** ceiling while nobody answers and the loss is younger than `earlyForMs`, ms */
  earlyMaxMs: number;
  /** for how long a lost gateway is looked for at that pace, ms */
  earlyForMs: number;
  /** a connection that lived this long starts the series anew, ms */
  stableAfterMs: number;
}

/** Waits at the slowest pace lie between this part of the longest wait and all of it. */
const SLOWEST_PART = 0.75;

/**
 * Waits between attempts to connect: full jitter below a ceiling that doubles,
 * so that agents which lost their gateway together do not return together.
 * While a gateway that was lost a moment ago answers nobody, the ceiling stays
 * low: each agent returns soon after the gateway. A gateway that
 * is there and refuses is asked less and less often.
 */
export class Backoff {
  private attempts = 0;
  private since: number;

  constructor(
    private readonly settings: BackoffSettings,
    private readonly random: () => number = Math.random,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.since = now();
  }

  /**
   * @param refused whether a gateway answered no, or took a connection and did not answer in time
   * @returns ms to wait before the next attempt
   */
  next(refused: boolean): number {
    const { minMs, maxMs, earlyMaxMs, earlyForMs } = this.settings;
    const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(this.attempts, 30));
    const isEarly = !refused && this.now() - this.since < earlyForMs;
    // Growth begins where the early pace ends, not where the early attempts have counted to.
    if (isEarly && ceiling >= earlyMaxMs) return this.below(Math.min(earlyMaxMs, maxMs));
    this.attempts += 1;
    return this.below(ceiling);
  }

  /** The wait of one that would only disturb: another process holds its id. */
  slowest(): number {
    this.attempts = 30;
    this.since = -Infinity;
    const { maxMs } = this.settings;
    return Math.round(maxMs * (SLOWEST_PART + (1 - SLOWEST_PART) * this.random()));
  }

  /** @param livedMs how long the connection that just ended was registered */
  ended(livedMs: number): void {
    if (livedMs < this.settings.stableAfterMs) return;
    this.attempts = 0;
    this.since = this.now();
  }

  private below(ceiling: number): number {
    return Math.round(ceiling * this.random());
  }
}
