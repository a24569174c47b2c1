export interface BackoffSettings {
  /** ceiling of the first wait, ms */
  minMs: number;
  /** ceiling of all waits, ms */
  maxMs: number;
  /** a connection that lived this long starts the series anew, ms */
  stableAfterMs: number;
}

/**
 * Waits between attempts to connect: full jitter below a ceiling that doubles,
 * so that agents which lost their gateway together do not return together.
 */
export class Backoff {
  private attempts = 0;

  constructor(
    private readonly settings: BackoffSettings,
    private readonly random: () => number = Math.random,
  ) {}

  /** @returns ms to wait before the next attempt */
  next(): number {
    const { minMs, maxMs } = this.settings;
    const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(this.attempts, 30));
    this.attempts += 1;
    return Math.round(ceiling * this.random());
  }

  /** @param livedMs how long the connection that just ended was registered */
  ended(livedMs: number): void {
    if (livedMs >= this.settings.stableAfterMs) this.attempts = 0;
  }
}
