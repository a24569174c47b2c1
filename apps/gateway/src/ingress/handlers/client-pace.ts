import type { ExchangeContext } from '../exchange-context.js';

/**
 * What the client of one exchange does in a window of time: bytes of a body
 * that it sends until the answer begins, or takes of an answer that waits for
 * it. Judged by the tick of `Deadlines` against `ingress.minRateBytesPerSecond`.
 * Only exchanges with a body, or with a client that lags, have one.
 */
export class ClientPace {
  /** end of the window, monotonic ms; Infinity: nothing is measured now */
  dueAt = Infinity;
  private bytes = 0;
  private excused = false;

  constructor(private readonly context: ExchangeContext) {}

  /** Begins a window. */
  begin(): void {
    const { deadlines, options } = this.context;
    this.bytes = 0;
    this.excused = false;
    this.dueAt = options.minRateBytesPerSecond === 0 ? Infinity : deadlines.now + options.rateWindowMs;
  }

  end(): void {
    this.dueAt = Infinity;
  }

  count(bytes: number): void {
    this.bytes += bytes;
  }

  /** The client has been told to wait: this window says nothing. */
  excuse(): void {
    this.excused = true;
  }

  /**
   * Judges the window that is over, and begins the next one.
   *
   * @param requestId of the exchange, for the log
   * @param what the client does, for the log
   * @param waits the client is still told to wait: what is left of that is in the next window, however soon it may go on
   * @returns bytes of the window when they are too few; undefined when all is well
   */
  tooFew(requestId: string, what: 'upload' | 'answer', waits: boolean): number | undefined {
    const { bytes, context, excused } = this;
    const { minRateBytesPerSecond, rateWindowMs } = context.options;
    this.begin();
    this.excused = waits;
    if (excused || bytes * 1000 >= minRateBytesPerSecond * rateWindowMs) return undefined;
    context.limitedLog.warn(
      { agentId: context.service.id, requestId, what, bytes, rateWindowMs, minRateBytesPerSecond },
      'a client is slower than ingress.minRateBytesPerSecond: its exchange is ended',
    );
    return bytes;
  }
}
