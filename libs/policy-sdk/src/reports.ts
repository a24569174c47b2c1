import type {
  AgentHealth,
  AgentReport,
  ConfigChange,
  ConfigUpdateReply,
  HealthReport,
  LogReport,
  MetricsReport,
} from '@berth/policy-agents';
import type { LoadMeter } from './load-meter.js';
import type { MetricInput } from './options.js';
import type { Session } from './session.js';
import type { Settings } from './settings.js';
import type { Workplace } from './workplace.js';

/** For the answers of gateways to what an agent asks of their configuration. */
const REPLY_MS = 5000;

/** How an agent is, besides its load. */
export interface Health {
  readonly state: AgentHealth;
  readonly message?: string;
  /** the gateway waits longer by this factor, 1 … 4 */
  readonly timeoutMultiplier?: number;
  /** features that are off meanwhile, of a degraded agent */
  readonly disabledFeatures?: readonly string[];
  /** of an unhealthy agent: whether it may come back by itself; default true */
  readonly recoverable?: boolean;
}

/** What the agent says of itself, to all gateways. */
export class Reports {
  health: Health = { state: 'healthy' };
  #updates = 0;
  readonly #pending = new Map<string, { reply: (reply: ConfigUpdateReply) => void; end: () => void }>();

  constructor(
    private readonly settings: Settings<never>,
    private readonly sessions: ReadonlySet<Session>,
    private readonly load: LoadMeter,
    private readonly workplace: Workplace,
  ) {}

  /** On each connection: a gateway keeps the health of each. */
  sendHealth(to: Iterable<Session> = this.sessions): void {
    const { state, message, timeoutMultiplier = 1, disabledFeatures = [], recoverable = true } = this.health;
    const report: HealthReport = {
      kind: 'health',
      agentId: this.settings.id,
      state,
      message,
      load: this.load.figures(this.workplace),
      resources: { memoryBytes: process.memoryUsage.rss(), connections: this.sessions.size },
      timestampMs: Date.now(),
      disabledFeatures,
      timeoutMultiplier,
      unhealthyReason: state === 'unhealthy' ? message : undefined,
      recoverable,
    };
    for (const session of to) session.report(report);
  }

  sendMetrics(): void {
    const own = this.settings.metrics?.();
    const { decisions, errors } = this.load;
    const report: MetricsReport = {
      kind: 'metrics',
      agentId: this.settings.id,
      timestampMs: Date.now(),
      intervalMs: this.settings.reportIntervalMs,
      counters: [
        ...Object.entries(decisions).map(([decision, value]) => metric('agent_requests_total', value, { decision })),
        metric('agent_errors_total', errors),
        ...(own?.counters ?? []).map(withLabels),
      ],
      gauges: [metric('agent_in_flight_requests', this.workplace.working), ...(own?.gauges ?? []).map(withLabels)],
      histograms: [],
    };
    this.#once(report);
  }

  log(level: LogReport['level'], message: string, fields: Readonly<Record<string, string>>, exchangeId?: string): void {
    this.#once({ kind: 'log', level, message, correlationId: exchangeId, fields, timestampMs: Date.now() });
  }

  /** @returns what gateways answered within 5 s; those that say nothing are left out */
  async update(change: ConfigChange): Promise<readonly ConfigUpdateReply[]> {
    this.#updates += 1;
    const requestId = `${this.settings.id}-${this.#updates}`;
    const replies: ConfigUpdateReply[] = [];
    const asked = this.#once({ kind: 'configUpdate', requestId, timestampMs: Date.now(), change });
    if (asked === 0) return replies;
    const all = Promise.withResolvers<undefined>();
    const end = (): void => {
      all.resolve(undefined);
    };
    const timer = setTimeout(end, REPLY_MS);
    const reply = (one: ConfigUpdateReply): void => {
      replies.push(one);
      if (replies.length === asked) end();
    };
    this.#pending.set(requestId, { reply, end });
    await all.promise;
    clearTimeout(timer);
    this.#pending.delete(requestId);
    return replies;
  }

  /** Nobody answers any more. */
  end(): void {
    for (const { end } of this.#pending.values()) end();
  }

  reply(reply: ConfigUpdateReply): void {
    this.#pending.get(reply.requestId)?.reply(reply);
  }

  /** To each gateway once, over whichever of its connections takes it. */
  #once(report: AgentReport): number {
    const told = new Set<string>();
    for (const session of this.sessions) {
      const { proxyId } = session.link.hello;
      if (!told.has(proxyId) && session.report(report)) told.add(proxyId);
    }
    return told.size;
  }
}

function metric(
  name: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): Required<Pick<MetricInput, 'name' | 'value' | 'labels'>> {
  return { name, value, labels };
}

function withLabels({ labels = {}, ...rest }: MetricInput): MetricInput & Required<Pick<MetricInput, 'labels'>> {
  return { ...rest, labels };
}
