import {
  AGENT_FEATURES,
  type ConfigAck,
  HealthCode,
  type MetricsReport,
  type TunnelSession,
} from '@berth/tunnel-protocol';
import type { LocalHealth } from '../forward/local-watch.js';
import type { LinkSignals } from './signals.js';

/** What a connection of Berth's own protocol tells a gateway that takes it. */
export class TunnelSignals implements LinkSignals {
  readonly takesMetrics: boolean;
  private readonly takesHealth: boolean;
  private readonly takesFlow: boolean;

  /** @param features that the gateway announced */
  constructor(
    private readonly session: TunnelSession,
    features: readonly string[],
  ) {
    this.takesHealth = features.includes(AGENT_FEATURES.health);
    this.takesFlow = features.includes(AGENT_FEATURES.flow);
    this.takesMetrics = features.includes(AGENT_FEATURES.metrics);
  }

  health(service: string, { healthy, message }: LocalHealth): void {
    const state = healthy ? HealthCode.healthy : HealthCode.unhealthy;
    if (this.takesHealth) this.session.tell('health', { state, message, service });
  }

  pause(): void {
    if (this.takesFlow) this.session.hold(true);
  }

  resume(): void {
    if (this.takesFlow) this.session.hold(false);
  }

  capacity(maxExchanges: number): void {
    if (this.takesFlow) this.session.tell('capacity', { maxExchanges });
  }

  metrics(report: MetricsReport): void {
    if (this.takesMetrics) this.session.tell('metricsReport', report);
  }

  /** Of a push that came, so the gateway takes it. */
  configAck(ack: ConfigAck): void {
    if (!this.session.closed) this.session.tell('configAck', ack);
  }
}
