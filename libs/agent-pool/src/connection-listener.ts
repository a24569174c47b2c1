import type { ReportedHealth } from './health/connection-health.js';

/** Buckets of one histogram of an agent. */
export interface AgentHistogram {
  /** upper bounds, rising, without the infinite one */
  readonly bounds: readonly number[];
  /** of each bucket alone: one more than bounds */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Figures of an agent (checklist C20), by names that may carry labels as Prometheus writes them. */
export interface AgentMetrics {
  readonly gauges: Readonly<Record<string, number>>;
  /** totals since the agent started */
  readonly counters: Readonly<Record<string, number>>;
  readonly histograms: Readonly<Record<string, AgentHistogram>>;
}

/** A configuration for an agent (checklist C19). */
export interface AgentConfig {
  readonly pushId: string;
  readonly configJson: string;
}

/** What became of one. */
export interface AgentConfigAck {
  readonly pushId: string;
  readonly accepted: boolean;
  /** for people, when it was not accepted; of any length */
  readonly error: string;
}

/** Who hears what becomes of a connection in service. An agent may cause each as often as it likes. */
export interface ConnectionListener {
  /** An exchange has ended, or the agent takes more of them: another may begin, though not within this call. */
  roomMade(): void;
  /** A ping takes long (true), or was answered after all. */
  pingLate(late: boolean): void;
  /**
   * @param detail for people, of any length
   * @param service local service that is meant; empty: all
   */
  healthReported(health: ReportedHealth, detail: string, service: string): void;
  /** The agent wants nothing new (true), or again. */
  pauseAsked(paused: boolean): void;
  /** The agent wants nothing more of one exchange (true), or again; its connection sees to that. */
  exchangeHeld(held: boolean): void;
  /** The agent has changed its capacity; a {@link roomMade} comes besides. */
  capacityChanged(): void;
  /** @param read costs; throws when the figures are damaged, which ends the connection. Only within this call. */
  metricsReported(read: () => AgentMetrics): void;
  configAcknowledged(ack: AgentConfigAck): void;
}

const nothing = (): void => undefined;

/** Of a connection that is not in service. */
export const NO_LISTENER: ConnectionListener = {
  roomMade: nothing,
  pingLate: nothing,
  healthReported: nothing,
  pauseAsked: nothing,
  exchangeHeld: nothing,
  capacityChanged: nothing,
  metricsReported: nothing,
  configAcknowledged: nothing,
};
