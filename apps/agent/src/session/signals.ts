import type { ConfigAck, MetricsReport } from '@berth/tunnel-protocol';
import type { LocalHealth } from '../forward/local-watch.js';
import { shareOf } from './shares.js';

/** What a connection can tell its gateway beside exchanges. What that gateway does not take is passed over. */
export interface LinkSignals {
  /** whether its gateway takes {@link metrics} */
  readonly takesMetrics: boolean;
  /** @param service name of the local service */
  health(service: string, health: LocalHealth): void;
  pause(): void;
  resume(): void;
  capacity(maxExchanges: number): void;
  metrics(report: MetricsReport): void;
  configAck(ack: ConfigAck): void;
}

/**
 * What the agent tells its gateway of itself, on each connection that serves:
 * that of the moment when one joins, and what changes later.
 */
export class Signals {
  /** with the last word on its capacity */
  private readonly live = new Map<LinkSignals, number>();
  /** of those local services that cannot be reached */
  private readonly away = new Map<string, LocalHealth>();
  private paused = false;

  /**
   * @param maxConcurrency exchanges that all connections together take; 0: as many as each of them
   * @param maxExchanges that one connection takes
   */
  constructor(
    private readonly maxConcurrency: number,
    private readonly maxExchanges: number,
  ) {}

  /**
   * A connection serves from now on.
   *
   * @param predecessor serves no longer
   */
  joined(link: LinkSignals, predecessor?: LinkSignals): void {
    if (predecessor !== undefined) this.live.delete(predecessor);
    // Unknown: its Hello had a guess.
    this.live.set(link, -1);
    for (const [service, health] of this.away) link.health(service, health);
    if (this.paused) link.pause();
    this.share();
  }

  /** A connection has ended, or takes nothing new. */
  left(link: LinkSignals): void {
    if (this.live.delete(link)) this.share();
  }

  /** Every connection leaves: nothing is told any more. */
  close(): void {
    this.live.clear();
  }

  setHealth(service: string, health: LocalHealth): void {
    if (health.healthy) this.away.delete(service);
    else this.away.set(service, health);
    for (const link of this.live.keys()) link.health(service, health);
  }

  /** Tells one connection again which local services cannot be reached: its gateway did not know them all before. */
  repeatHealth(link: LinkSignals): void {
    for (const [service, health] of this.away) link.health(service, health);
  }

  /** Whether the gateway is to open nothing for now. */
  setPaused(paused: boolean): void {
    if (this.paused === paused) return;
    this.paused = paused;
    for (const link of this.live.keys()) {
      if (paused) link.pause();
      else link.resume();
    }
  }

  /** Who can carry figures now: one connection is enough, because they are the process's. */
  get metricsLink(): LinkSignals | undefined {
    for (const link of this.live.keys()) if (link.takesMetrics) return link;
    return undefined;
  }

  /** In the order in which they came: one that joins is told last, when the others have been told to take less. */
  private share(): void {
    const { live, maxConcurrency, maxExchanges } = this;
    if (maxConcurrency === 0) return;
    let index = 0;
    for (const [link, before] of live) {
      const now = Math.min(maxExchanges, shareOf(maxConcurrency, live.size, index));
      index += 1;
      if (now === before) continue;
      live.set(link, now);
      link.capacity(now);
    }
  }
}
