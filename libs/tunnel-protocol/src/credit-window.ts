import type { WindowBudget, WindowShare } from './window-budget.js';

/** What growth is measured by. */
export interface ConnectionClock {
  /** monotonic ms */
  now(): number;
  /** smallest round trip seen, ms */
  readonly rttMs: number;
}

export interface WindowSettings {
  /** bytes a sender may have under way at the start; as announced in the handshake */
  startBytes: number;
  /** bytes a window grows to at the most */
  maxBytes: number;
  budget: WindowBudget;
}

/** A window that is used up this many times per round trip is too small. */
const GROWTH_FACTOR = 4;
/** Who takes longer for what is worth a grant is slow, ms. */
const SLOW_MS = 1000;
/** Half of the usual first window: less is not worth a grant while much is under way. */
const LEAST_GRANT_BYTES = 131_072;

/**
 * The receiving half of credit, for one direction of one exchange.
 *
 * Invariant: bytes granted and not yet consumed never exceed `window`, so a
 * consumer that stalls holds `window` bytes at the most.
 */
export class ReceiveWindow {
  private window: number;
  /** what the sender may still send */
  private available: number;
  /** consumed, not yet granted again */
  private unclaimed = 0;
  /** received, not yet consumed */
  private held = 0;
  /** undefined until the first bytes came: the wait before them says nothing about the window */
  private lastGrantAt: number | undefined;
  private closed = false;
  /** at the last grant much was left lying */
  private wasBehind = false;

  /** @param share the budget's part that growth comes out of */
  constructor(
    private readonly settings: WindowSettings,
    private readonly share: WindowShare,
  ) {
    this.window = settings.startBytes;
    this.available = settings.startBytes;
  }

  get size(): number {
    return this.window;
  }

  /** Received and not yet consumed, bytes. */
  get heldBytes(): number {
    return this.held;
  }

  /** Counts bytes that came in; false when the sender had no credit for them. */
  receive(bytes: number, clock: ConnectionClock): boolean {
    this.lastGrantAt ??= clock.now();
    this.available -= bytes;
    this.held += bytes;
    return this.available >= 0;
  }

  /**
   * Counts bytes that the consumer really took.
   *
   * @param clock of the connection
   * @returns bytes to grant now, 0 to wait until a grant is worth a frame. Behind the end of a body a grant is no
   *   credit: it only shows the sender that its bytes are still being taken
   */
  consume(bytes: number, clock: ConnectionClock): number {
    this.held -= bytes;
    this.unclaimed += bytes;
    if (this.closed) {
      if (this.held <= 0) this.release();
      return this.progress(clock);
    }
    const { startBytes } = this.settings;
    if (this.unclaimed < Math.min(startBytes / 2, LEAST_GRANT_BYTES)) return 0;
    const at = clock.now();
    const elapsedMs = at - (this.lastGrantAt ?? at);
    const isHalf = this.unclaimed >= this.window / 2;
    if (!isHalf && elapsedMs < SLOW_MS) return 0;
    const { rttMs } = clock;
    // Half of it was taken, and half of the rest lies here. Once may be a burst, which is how a long line brings bytes.
    const isBehind = isHalf && this.held >= this.window / 4;
    const lags = isBehind && this.wasBehind;
    this.wasBehind = isBehind;
    const growth = isHalf && !isBehind ? this.grow(elapsedMs, rttMs) : 0;
    const grant = this.unclaimed + growth - this.shrink(lags, elapsedMs, rttMs);
    this.lastGrantAt = at;
    this.unclaimed = 0;
    this.available += grant;
    return grant;
  }

  private progress(clock: ConnectionClock): number {
    if (this.unclaimed < LEAST_GRANT_BYTES) return 0;
    const at = clock.now();
    if (at - (this.lastGrantAt ?? at) < SLOW_MS) return 0;
    this.lastGrantAt = at;
    const taken = this.unclaimed;
    this.unclaimed = 0;
    return taken;
  }

  /** No more bytes will come. What the consumer still holds stays on the budget until it is consumed. */
  close(): void {
    this.closed = true;
    if (this.held <= 0) this.release();
  }

  /** Gives back at once what the window took from the budget: the consumer is gone. */
  release(): void {
    this.share.give(this.growth);
    this.window = this.settings.startBytes;
  }

  /**
   * The sender gives back credit that it does not use.
   *
   * @returns false when it never had it as growth
   */
  returned(bytes: number): boolean {
    if (bytes > this.available || bytes > this.growth) return false;
    this.available -= bytes;
    this.window -= bytes;
    this.share.give(bytes);
    return true;
  }

  private get growth(): number {
    return this.window - this.settings.startBytes;
  }

  /**
   * Half a window within one round trip, and little left lying: the sender is
   * waiting for credit, not the consumer for bytes.
   */
  private grow(elapsedMs: number, rttMs: number): number {
    const { maxBytes } = this.settings;
    if (elapsedMs >= rttMs || this.window >= maxBytes) return 0;
    const growth = this.share.take(Math.min(this.window * GROWTH_FACTOR, maxBytes) - this.window, this.growth);
    this.window += growth;
    return growth;
  }

  /**
   * The consumer is slow or lags behind the sender, or others have come who want
   * their part: up to half of what it took is memory that goes back. The other
   * half is granted, since a sender that never saw a grant would take the
   * consumer for one that stands still.
   */
  private shrink(lags: boolean, elapsedMs: number, rttMs: number): number {
    const isSlow = lags || (elapsedMs > SLOW_MS && elapsedMs > 8 * rttMs);
    const excess = isSlow ? this.growth : Math.min(this.growth, -this.share.room(this.growth));
    if (excess <= 0) return 0;
    const shrink = Math.min(excess, this.unclaimed >> 1);
    this.share.give(shrink);
    this.window -= shrink;
    return shrink;
  }
}
