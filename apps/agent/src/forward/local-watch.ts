import { isDescriptorError } from '@berth/node-runtime';
import { ResetCode } from '@berth/exchange';
import type { Log } from '@berth/observability';
import { codeOf, localFailureOf } from './local-errors.js';
import type { LocalFigures } from './local-figures.js';

/** Whether the local service can be reached. */
export interface LocalHealth {
  healthy: boolean;
  /** why not, without addresses; empty while it can */
  message: string;
}

export interface LocalWatchOptions {
  /** for the log */
  service: string;
  target: string;
  /** time between two checks of a service that is there, ms; 0: none is made at all */
  checkIntervalMs: number;
  /** tries to connect once; resolves with what is wrong, and never rejects */
  probe: () => Promise<Error | undefined>;
  /** an answer of the service within an interval saves its check */
  figures: Pick<LocalFigures, 'answered'>;
  log: Log;
  /** called with each change, and with the first finding when that is bad */
  changed: (health: LocalHealth) => void;
}

/** First wait for a service that is away, ms; it doubles up to the last. */
const DOWN_MIN_MS = 250;
const DOWN_MAX_MS = 2000;

/**
 * Knows whether the local service is there, from the start on: it connects now
 * and then while nobody asks the service anything, at once when somebody could
 * not reach it, and often while it is away. Each change is logged once.
 */
export class LocalWatch {
  private timer: NodeJS.Timeout | undefined;
  private checking = false;
  private hasLooked = false;
  private stopped = false;
  private answeredBefore = 0;
  private lastCheckAt = -Infinity;
  private waitMs = DOWN_MIN_MS;
  /** undefined while it is there, or before the first finding */
  private down: { since: number; message: string } | undefined;

  constructor(private readonly options: LocalWatchOptions) {}

  get health(): LocalHealth {
    return { healthy: this.down === undefined, message: this.down?.message ?? '' };
  }

  /** undefined before the first finding, and where it never looks */
  get isUp(): boolean | undefined {
    return this.hasLooked ? this.down === undefined : undefined;
  }

  start(): void {
    if (this.options.checkIntervalMs > 0) this.check();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** An exchange could not reach it: looks at once, unless it has just looked or is about to. */
  suspect(): void {
    if (this.options.checkIntervalMs === 0 || this.checking || this.down !== undefined) return;
    this.schedule(Math.max(0, this.lastCheckAt + DOWN_MIN_MS - performance.now()), this.check);
  }

  private schedule(ms: number, next: () => void): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(next, ms);
  }

  private readonly tick = (): void => {
    const { answered } = this.options.figures;
    if (answered === this.answeredBefore) {
      this.check();
      return;
    }
    this.answeredBefore = answered;
    this.schedule(this.options.checkIntervalMs, this.tick);
  };

  private readonly check = (): void => {
    const { probe, figures } = this.options;
    if (this.stopped || this.checking) return;
    clearTimeout(this.timer);
    this.checking = true;
    this.lastCheckAt = performance.now();
    this.answeredBefore = figures.answered;
    void probe().then(this.looked);
  };

  private readonly looked = (error: Error | undefined): void => {
    this.checking = false;
    const isFirst = !this.hasLooked;
    this.hasLooked = true;
    if (this.stopped) return;
    if (error === undefined) this.found(isFirst);
    else if (!this.saysNothing(error)) this.missed(error);
    if (this.down === undefined) {
      this.waitMs = DOWN_MIN_MS;
      this.schedule(this.options.checkIntervalMs, this.tick);
    } else {
      this.schedule(this.waitMs, this.check);
      this.waitMs = Math.min(this.waitMs * 2, DOWN_MAX_MS);
    }
  };

  /** The fault is ours, or the service is too busy for one more connection while it answers others. */
  private saysNothing(error: Error): boolean {
    if (isDescriptorError(error)) return true;
    const late = /TIMEOUT|TIMEDOUT/.test(codeOf(error));
    return late && this.options.figures.answered !== this.answeredBefore;
  }

  private found(isFirst: boolean): void {
    const { service, target, log, changed } = this.options;
    if (isFirst) log.info({ event: 'local_service_up', service, target }, 'the local service can be reached');
    if (this.down === undefined) return;
    const awayMs = Math.round(performance.now() - this.down.since);
    this.down = undefined;
    log.info({ event: 'local_service_up', service, target, awayMs }, 'the local service can be reached again');
    changed(this.health);
  }

  private missed(error: Error): void {
    const { service, target, log, changed } = this.options;
    const message = `the local service cannot be reached: ${reasonOf(error)}`;
    const before = this.down;
    this.down = { since: before?.since ?? performance.now(), message };
    if (before?.message === message) return;
    // Another reason is news for the gateway, and no second loss.
    if (before === undefined) {
      const reason = reasonOf(error);
      log.warn({ event: 'local_service_down', service, target, reason }, 'the local service cannot be reached');
    }
    changed(this.health);
  }
}

function reasonOf(error: Error): string {
  const { code, reason } = localFailureOf(error);
  // Other messages of Node name the address.
  return code === ResetCode.localUnreachable ? reason : `connecting to it fails (${codeOf(error) || error.name})`;
}
