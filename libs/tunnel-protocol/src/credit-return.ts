import type { TunnelExchange } from './exchange.js';

/** Credit that was not touched for so long goes back, ms. */
const UNUSED_MS = 1000;

/** What a session lets {@link CreditReturns} see and do. */
export interface CreditReturner {
  /** exchanges that are alive */
  list(): readonly TunnelExchange[];
  /** what the peer gave each exchange at its start, bytes */
  readonly startBytes: number;
  giveBack(exchange: TunnelExchange, bytes: number): void;
}

/**
 * The sending half of credit, once a window has grown: a sender that has
 * nothing to send gives back what is above its start. Its receiver cannot take
 * it back, and would have to keep memory for it while the exchange lives.
 */
export class CreditReturns {
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly session: CreditReturner) {}

  /** An exchange has more credit than at its start. */
  watch(): void {
    if (this.timer !== undefined || this.closed) return;
    this.timer = setTimeout(() => {
      this.sweep();
    }, UNUSED_MS);
    this.timer.unref();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** Gives back what nobody used since the last time. */
  sweep(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { session } = this;
    let watched = false;
    for (const exchange of session.list()) {
      const growth = exchange.sendEnded ? 0 : exchange.sendCredit - session.startBytes;
      if (growth <= 0) continue;
      if (exchange.creditUsed || exchange.pendingBytes > 0) {
        exchange.creditUsed = false;
        watched = true;
      } else {
        exchange.sendCredit -= growth;
        session.giveBack(exchange, growth);
      }
    }
    if (watched) this.watch();
  }
}
