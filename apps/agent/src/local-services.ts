import { type BodySink, DEFAULT_SERVICE, type IncomingExchange, NO_SINK, ResetCode } from '@berth/exchange';
import { LimitedLog, type Log } from '@berth/observability';
import type { AgentSettings } from './agent-settings.js';
import { Forwarder } from './forward/forwarder.js';
import { LocalFigures } from './forward/local-figures.js';
import { probeLocal } from './forward/local-probe.js';
import { type LocalHealth, LocalWatch } from './forward/local-watch.js';
import { targetsOf } from './service-offers.js';

/** One local service: where its exchanges go, and who looks after it. */
export interface LocalService {
  readonly name: string;
  readonly target: string;
  readonly figures: LocalFigures;
  readonly forwarder: Forwarder;
  readonly watch: LocalWatch;
}

type ServiceSettings = Pick<
  AgentSettings,
  'target' | 'expose' | 'hostHeaders' | 'originUrls' | 'local' | 'maxConcurrency' | 'metrics'
>;

/** The local services of an agent. */
export class LocalServices {
  readonly list: readonly LocalService[];
  private readonly byName: ReadonlyMap<string, LocalService>;

  /** @param changed told when one can be reached no more, or again */
  constructor(settings: ServiceSettings, log: Log, changed: (name: string, health: LocalHealth) => void) {
    const limitedLog = new LimitedLog(log);
    const targets = targetsOf(settings);
    const { hostHeaders, local, maxConcurrency, metrics, originUrls } = settings;
    // What the process can hold is for all of them together.
    const share = Math.max(1, Math.floor(local.maxConnections / targets.length));
    // Each may have all that the agent takes. What comes above it for a moment, while connections share it out anew, waits.
    const maxConnections = Math.min(share, maxConcurrency || Infinity);
    this.list = targets.map(([name, target]) => {
      const figures = new LocalFigures(metrics.reportIntervalMs > 0);
      const its = {
        ...local,
        maxConnections,
        hostHeader: hostHeaders[name] ?? local.hostHeader,
        originUrl: originUrls[name] ?? local.originUrl,
      };
      const forwarder = new Forwarder({ target, local: its }, limitedLog, figures);
      const watch = new LocalWatch({
        target,
        checkIntervalMs: local.checkIntervalMs,
        probe: () => probeLocal(forwarder.target, local.connectTimeoutMs),
        figures,
        log,
        changed: (health) => {
          changed(name, health);
        },
      });
      forwarder.unreachable = () => {
        watch.suspect();
      };
      return { name, target, figures, forwarder, watch };
    });
    this.byName = new Map(this.list.map((service) => [service.name, service]));
  }

  /** Begins an exchange and returns who takes its frames. Never throws. */
  readonly forward = (exchange: IncomingExchange): BodySink => {
    const service = this.of(exchange);
    if (service !== undefined) return service.forwarder.forward(exchange);
    exchange.reset(ResetCode.unsupported, 'this agent has no such local service');
    return NO_SINK;
  };

  /** This agent has reset an exchange. */
  failed(exchange: Pick<IncomingExchange, 'openHead'>, code: ResetCode): void {
    this.of(exchange)?.figures.fail(code);
  }

  start(): void {
    for (const { watch } of this.list) watch.start();
  }

  /** Looks after them no longer; exchanges go on. */
  stop(): void {
    for (const { watch } of this.list) watch.stop();
  }

  async close(): Promise<void> {
    await Promise.all(this.list.map(({ forwarder }) => forwarder.close()));
  }

  private of({ openHead: { service } }: Pick<IncomingExchange, 'openHead'>): LocalService | undefined {
    return this.byName.get(service === undefined || service === '' ? DEFAULT_SERVICE : service);
  }
}
