import { isDeepStrictEqual } from 'node:util';
import type { LimitedLog, Log } from '@berth/observability';
import type { AgentSettings } from './agent-settings.js';
import { Forwarder } from './forward/forwarder.js';
import { LocalFigures } from './forward/local-figures.js';
import { probeLocal } from './forward/local-probe.js';
import { type LocalHealth, LocalWatch } from './forward/local-watch.js';
import { kindOf } from './target.js';

/** How often one that serves no more is asked whether its last exchange has ended, ms. */
const RETIRE_CHECK_MS = 1000;

/** What makes a local service; any difference makes another one. */
export interface ServiceParts {
  readonly name: string;
  readonly target: string;
  /** but for `maxConnections`, which is shared out between services anew */
  readonly local: AgentSettings['local'];
  /** whether latencies are measured */
  readonly timed: boolean;
}

export interface ServiceLogs {
  readonly log: Log;
  readonly limited: LimitedLog;
}

/** One local service: where its exchanges go, and who looks after it. */
export class LocalService {
  readonly forwarder: Forwarder;
  readonly watch: LocalWatch;
  readonly figures: LocalFigures;
  /** of which pools read how many connections there may be */
  private readonly local: { -readonly [K in keyof AgentSettings['local']]: AgentSettings['local'][K] };
  private retireTimer: NodeJS.Timeout | undefined;

  /**
   * @param changed told when it can be reached no more, or again
   * @param before the one in whose place it comes: what was counted goes on
   */
  constructor(
    readonly parts: ServiceParts,
    { log, limited }: ServiceLogs,
    changed: (health: LocalHealth) => void,
    before?: LocalService,
  ) {
    const { name, target, timed } = parts;
    this.local = { ...parts.local };
    this.figures = before?.parts.timed === timed ? before.figures : new LocalFigures(timed);
    const { figures, local } = this;
    this.forwarder = new Forwarder({ target, local }, limited, figures);
    this.watch = new LocalWatch({
      service: name,
      target,
      checkIntervalMs: local.checkIntervalMs,
      probe: () => probeLocal(this.forwarder.target, local.connectTimeoutMs),
      figures,
      log,
      changed,
    });
    this.forwarder.unreachable = () => {
      this.watch.suspect();
    };
  }

  get name(): string {
    return this.parts.name;
  }

  get target(): string {
    return this.parts.target;
  }

  get kind(): 'http' | 'tcp' {
    return kindOf(this.target);
  }

  /** Connections that it may have from now on. */
  limit(maxConnections: number): void {
    this.local.maxConnections = maxConnections;
  }

  /** Whether it is what these parts make. */
  is(parts: ServiceParts): boolean {
    return isDeepStrictEqual(this.parts, parts);
  }

  /** Nothing new comes: exchanges under way go on, and its connections close after the last of them. @param then it is closed */
  retire(then: () => void): void {
    this.watch.stop();
    this.retireTimer = setInterval(() => {
      const { inUse, queued } = this.forwarder.pool;
      if (inUse + queued > 0) return;
      void this.close().finally(then);
    }, RETIRE_CHECK_MS).unref();
  }

  async close(): Promise<void> {
    this.watch.stop();
    clearInterval(this.retireTimer);
    await this.forwarder.close();
  }
}
