import {
  type BodySink,
  DEFAULT_SERVICE,
  ExchangeKind,
  type IncomingExchange,
  NO_SINK,
  ResetCode,
} from '@berth/exchange';
import { LimitedLog, type Log } from '@berth/observability';
import type { AgentSettings } from './agent-settings.js';
import type { LocalHealth } from './forward/local-watch.js';
import { LocalService, type ServiceLogs, type ServiceParts } from './local-service.js';
import { targetsOf } from './service-offers.js';

type ServiceSettings = Pick<
  AgentSettings,
  'target' | 'expose' | 'hostHeaders' | 'originUrls' | 'local' | 'maxConcurrency' | 'metrics'
>;

/** The local services of an agent. They can be changed; exchanges under way stay with the service that they began with. */
export class LocalServices {
  private byName: ReadonlyMap<string, LocalService> = new Map();
  /** serve until the gateway opens nothing for them any more */
  private leaving: readonly LocalService[] = [];
  /** have exchanges under way, and get no more */
  private readonly retired = new Set<LocalService>();
  private readonly logs: ServiceLogs;
  private started = false;

  /** @param changed told when one can be reached no more, or again */
  constructor(
    settings: ServiceSettings,
    log: Log,
    private readonly changed: (name: string, health: LocalHealth) => void,
  ) {
    this.logs = { log, limited: new LimitedLog(log) };
    this.change(settings);
  }

  /** In the order of the settings. */
  get list(): readonly LocalService[] {
    return [...this.byName.values()];
  }

  /**
   * Has other settings count for what begins from now on. What is not there any more serves on until {@link release}.
   *
   * @throws BerthError `BERTH_CONFIG_INVALID` when a file cannot be used; then nothing has changed
   */
  change(settings: ServiceSettings): void {
    const before = this.byName;
    const now = partsOf(settings).map((parts) => {
      const known = before.get(parts.name);
      return known?.is(parts) === true ? known : this.make(parts, known);
    });
    this.byName = new Map(now.map((service) => [service.name, service]));
    const { local, maxConcurrency } = settings;
    // What the process can hold is for all of them together.
    const share = Math.max(1, Math.floor(local.maxConnections / now.length));
    // Each may have all that the agent takes. What comes above it for a moment, while connections share it out anew, waits.
    for (const service of now) service.limit(Math.min(share, maxConcurrency || Infinity));
    for (const service of before.values()) this.replaced(service);
    if (this.started) for (const service of now) if (before.get(service.name) !== service) service.watch.start();
  }

  /** The gateway opens nothing any more for those that are gone. */
  release(): void {
    for (const service of this.leaving) this.retire(service);
    this.leaving = [];
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
    this.started = true;
    for (const { watch } of this.list) watch.start();
  }

  /** Looks after them no longer; exchanges go on. */
  stop(): void {
    this.started = false;
    for (const { watch } of [...this.list, ...this.leaving]) watch.stop();
  }

  async close(): Promise<void> {
    await Promise.all([...this.list, ...this.leaving, ...this.retired].map((service) => service.close()));
  }

  private make(parts: ServiceParts, before: LocalService | undefined): LocalService {
    const changed = (health: LocalHealth): void => {
      this.changed(parts.name, health);
    };
    return new LocalService(parts, this.logs, changed, before);
  }

  private replaced(service: LocalService): void {
    const now = this.byName.get(service.name);
    if (now === service) return;
    // Of the one that comes nothing is known yet.
    if (!service.watch.health.healthy) this.changed(service.name, { healthy: true, message: '' });
    if (now?.kind === service.kind) this.retire(service);
    else {
      service.watch.stop();
      this.leaving = [...this.leaving, service];
    }
  }

  private retire(service: LocalService): void {
    this.retired.add(service);
    service.retire(() => this.retired.delete(service));
  }

  private of({ openHead: { service, kind } }: Pick<IncomingExchange, 'openHead'>): LocalService | undefined {
    const name = service === undefined || service === '' ? DEFAULT_SERVICE : service;
    const current = this.byName.get(name);
    if (this.leaving.length === 0) return current;
    const wanted = kind === ExchangeKind.tcp ? 'tcp' : 'http';
    if (current?.kind === wanted) return current;
    return this.leaving.findLast((each) => each.name === name && each.kind === wanted) ?? current;
  }
}

function partsOf(settings: ServiceSettings): ServiceParts[] {
  const { hostHeaders, local, metrics, originUrls } = settings;
  return targetsOf(settings).map(([name, target]) => ({
    name,
    target,
    local: {
      ...local,
      hostHeader: hostHeaders[name] ?? local.hostHeader,
      originUrl: originUrls[name] ?? local.originUrl,
      maxConnections: 1,
    },
    timed: metrics.reportIntervalMs > 0,
  }));
}
