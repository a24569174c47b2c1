import type { Member } from '../member.js';
import type { PoolConnection } from '../pool-connection.js';

/** Whom the signals concern besides the connection itself. */
export interface FlowListener {
  /** there may be room again */
  wake(): void;
  /** the exchange may send again */
  exchangeResumed(exchangeId: number): void;
  /** the exchange is under way: others cannot be paused, so that what is kept has a bound */
  isOpen(exchangeId: number): boolean;
}

/**
 * What an agent asks for by Pause, Resume and Capacity, for its connection or
 * for one exchange (checklist C7). Signals may come in any order and number:
 * one that changes nothing does nothing.
 *
 * Bound: one number per exchange under way.
 */
export class FlowSignals<C extends PoolConnection> {
  private readonly pausedExchanges = new Set<number>();
  private isPaused = false;

  constructor(
    private readonly member: Member<C>,
    private readonly listener: FlowListener,
    private readonly now: () => number,
  ) {}

  /** Nothing new begins on the connection; what runs goes on. */
  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.member.health.paused('the agent asks for a pause', this.now());
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.member.health.resumed(this.now());
    this.listener.wake();
  }

  /** @param exchanges that the agent takes at once from now on; more that run already go on */
  capacity(exchanges: number): void {
    const grows = exchanges > this.member.allowed;
    this.member.allowed = exchanges;
    if (grows) this.listener.wake();
  }

  /** What is sent on the exchange waits. */
  pauseExchange(exchangeId: number): void {
    if (this.listener.isOpen(exchangeId)) this.pausedExchanges.add(exchangeId);
  }

  resumeExchange(exchangeId: number): void {
    if (this.pausedExchanges.delete(exchangeId)) this.listener.exchangeResumed(exchangeId);
  }

  isExchangePaused(exchangeId: number): boolean {
    return this.pausedExchanges.has(exchangeId);
  }

  /** To be called when an exchange has ended. */
  exchangeEnded(exchangeId: number): void {
    this.pausedExchanges.delete(exchangeId);
  }
}
