import type { ExchangeFailure } from '@berth/exchange';
import { ConnectionHealth, type HealthChange, type HealthOptions } from './health/connection-health.js';
import { countsAgainst } from './health/fault.js';
import { PeakLatency } from './latency.js';
import type { PoolConnection } from './pool-connection.js';
import { Recent } from './recent.js';
import type { Replica } from './replica.js';

/** Least latency that a failure counts as, ms: one that fails quickly must not look quick. */
const FAILURE_MS = 1000;

/** A connection in its pool, with what the pool knows of it. */
export class Member<C extends PoolConnection> {
  readonly health: ConnectionHealth;
  readonly latency = new PeakLatency();
  readonly recent = new Recent();
  /** exchanges begun on it */
  requests = 0;
  /** of them failed by the fault of the agent's side */
  errors = 0;
  /** its health lets it be picked before others are at their end; kept, because each pick asks */
  usable = false;

  constructor(
    readonly connection: C,
    readonly replica: Replica,
    options: Readonly<HealthOptions>,
    changed: (member: Member<C>, change: HealthChange) => void,
    now: number,
  ) {
    this.health = new ConnectionHealth(
      (change) => {
        this.usable = change.to === 'healthy' || change.to === 'degraded';
        changed(this, change);
      },
      options,
      now,
    );
  }

  get inFlight(): number {
    return this.connection.inFlight;
  }

  /** It has as many exchanges as it takes. */
  get isFull(): boolean {
    const { inFlight, capacity } = this.connection;
    return inFlight >= capacity;
  }

  get hasRoom(): boolean {
    return !this.isFull && !this.connection.congested;
  }

  /** An exchange begins on it. */
  began(): void {
    this.requests += 1;
  }

  /**
   * The head of an answer has come, or whatever else makes an exchange a success.
   *
   * @param latencyMs since the exchange began
   * @param now monotonic ms
   */
  countAnswer(latencyMs: number, now: number): void {
    this.latency.observe(latencyMs, now);
    this.recent.observe(latencyMs, false, now);
    this.health.succeeded(now);
  }

  /**
   * An exchange failed. Only what {@link countsAgainst} the connection changes anything.
   *
   * @param latencyMs since the exchange began
   */
  countFailure(code: ExchangeFailure['code'], latencyMs: number, now: number): void {
    if (countsAgainst(code)) this.faulted(latencyMs, now);
  }

  /** An answer that counts as a failure, such as a 5xx where that is configured. */
  faulted(latencyMs: number, now: number): void {
    this.errors += 1;
    this.latency.observe(Math.max(latencyMs, FAILURE_MS), now);
    this.recent.observe(latencyMs, true, now);
    this.health.failed(now);
  }
}
