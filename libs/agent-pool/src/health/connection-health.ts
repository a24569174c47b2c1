/** What a connection is fit for; only `healthy` and `degraded` are picked as long as others are there. */
export type HealthState = 'connecting' | 'healthy' | 'degraded' | 'draining' | 'unhealthy' | 'paused';

/** What an agent reports of itself (checklist C16). */
export type ReportedHealth = 'healthy' | 'degraded' | 'draining' | 'unhealthy';

/** One change of state. */
export interface HealthChange {
  readonly from: HealthState;
  readonly to: HealthState;
  /** for people; empty when all is well */
  readonly reason: string;
}

export interface HealthOptions {
  /** failures in a row that make a connection unhealthy (checklist C6) */
  errorThreshold: number;
  /** after this time without a verdict it is tried again, ms (C6: maintenance brings it back) */
  retryAfterMs: number;
  /** pings in a row without an answer that make a connection unhealthy; the first one degrades it */
  missedPings: number;
  /** failed probes in a row that make a connection unhealthy */
  probeFall: number;
  /** passed probes in a row that bring it back */
  probeRise: number;
}

export const HEALTH_DEFAULTS: Readonly<HealthOptions> = {
  errorThreshold: 3,
  retryAfterMs: 10_000,
  missedPings: 2,
  probeFall: 3,
  probeRise: 2,
};

/**
 * The health of one connection (checklist C6, C13, C16). It keeps what is known,
 * and derives the state from it: of several reasons the gravest counts, and when
 * that one goes the next shows. Each change of state is told once.
 */
export class ConnectionHealth {
  state: HealthState = 'connecting';
  /** for people; empty when all is well */
  reason = 'not connected yet';
  /** monotonic ms of the last change of state */
  since: number;

  private isConnected = false;
  private isDraining = false;
  private pausedFor = '';
  private withheldFor = '';
  private ejectedFor = '';
  private reported: ReportedHealth = 'healthy';
  private reportedDetail = '';
  private errors = 0;
  private missed = 0;
  private probesFailed = 0;
  private probesPassed = 0;
  private probeDown = false;

  constructor(
    private readonly changed: (change: HealthChange) => void,
    private readonly options: Readonly<HealthOptions>,
    now: number,
  ) {
    this.since = now;
  }

  /** Failures in a row. */
  get consecutiveErrors(): number {
    return this.errors;
  }

  connected(now: number): void {
    this.isConnected = true;
    this.settle(now);
  }

  /** An operator's word keeps exchanges away: it does not stand in for others either. */
  get withheld(): boolean {
    return this.withheldFor !== '';
  }

  /** Nothing new begins here until {@link released}. @param reason for people, not empty */
  withhold(reason: string, now: number): void {
    this.withheldFor = reason;
    this.settle(now);
  }

  released(now: number): void {
    this.withheldFor = '';
    this.settle(now);
  }

  /** Nothing new should begin here; there is no way back. */
  draining(now: number): void {
    this.isDraining = true;
    this.settle(now);
  }

  /** An exchange was answered. */
  succeeded(now: number): void {
    if (this.errors === 0) return;
    this.errors = 0;
    this.settle(now);
  }

  /** An exchange failed by the fault of the agent's side, see `countsAgainst`. */
  failed(now: number): void {
    this.errors += 1;
    this.settle(now);
  }

  pingAnswered(now: number): void {
    if (this.missed === 0) return;
    this.missed = 0;
    this.settle(now);
  }

  pingMissed(now: number): void {
    this.missed += 1;
    this.settle(now);
  }

  /** @param detail for people */
  reports(health: ReportedHealth, detail: string, now: number): void {
    this.reported = health;
    this.reportedDetail = detail;
    this.settle(now);
  }

  /** An active probe of the local service ended. */
  probed(passed: boolean, now: number): void {
    const { probeRise, probeFall } = this.options;
    this.probesPassed = passed ? this.probesPassed + 1 : 0;
    this.probesFailed = passed ? 0 : this.probesFailed + 1;
    if (this.probesFailed >= probeFall) this.probeDown = true;
    if (this.probesPassed >= probeRise) {
      this.probeDown = false;
      this.errors = 0;
    }
    this.settle(now);
  }

  /** @param reason for people, not empty */
  paused(reason: string, now: number): void {
    this.pausedFor = reason;
    this.settle(now);
  }

  resumed(now: number): void {
    this.pausedFor = '';
    this.settle(now);
  }

  /** Taken out as an outlier among its like. @param reason for people, not empty */
  ejected(reason: string, now: number): void {
    this.ejectedFor = reason;
    this.settle(now);
  }

  /** Back from an ejection: what it failed before counts no longer. */
  returned(now: number): void {
    this.ejectedFor = '';
    this.errors = 0;
    this.settle(now);
  }

  /** Maintenance: lets one that failed too often be tried again; the next failure takes it out once more. */
  tick(now: number): void {
    const { errorThreshold, retryAfterMs } = this.options;
    if (this.errors < errorThreshold || now < this.since + retryAfterMs) return;
    this.errors = errorThreshold - 1;
    this.settle(now);
  }

  private settle(now: number): void {
    const from = this.state;
    const [to, reason] = this.verdict();
    this.reason = reason;
    if (to === from) return;
    this.state = to;
    this.since = now;
    this.changed({ from, to, reason });
  }

  /** The gravest of all that is known comes first. */
  private verdict(): readonly [HealthState, string] {
    const { errors, missed, reported, options } = this;
    const said = `the agent reports ${reported}${this.reportedDetail && `: ${this.reportedDetail}`}`;
    if (!this.isConnected) return ['connecting', 'not connected yet'];
    if (this.isDraining) return ['draining', 'one side has asked the other to leave it'];
    if (this.withheldFor !== '') return ['draining', this.withheldFor];
    if (reported === 'draining') return ['draining', said];
    if (this.ejectedFor !== '') return ['unhealthy', this.ejectedFor];
    if (errors >= options.errorThreshold) return ['unhealthy', `${errors} failures in a row`];
    if (missed >= options.missedPings) return ['unhealthy', unanswered(missed)];
    if (this.probeDown) return ['unhealthy', `the probe of the local service fails`];
    if (reported === 'unhealthy') return ['unhealthy', said];
    if (this.pausedFor !== '') return ['paused', this.pausedFor];
    if (reported === 'degraded') return ['degraded', said];
    if (missed > 0) return ['degraded', unanswered(missed)];
    if (this.probesFailed > 0) return ['degraded', 'a probe of the local service has failed'];
    if (errors > 0 && errors === options.errorThreshold - 1) return ['degraded', `${errors} failures in a row`];
    return ['healthy', ''];
  }
}

function unanswered(pings: number): string {
  return pings === 1 ? 'a ping without an answer' : `${pings} pings in a row without an answer`;
}
