import { Admission, AgentPool, HEALTH_DEFAULTS, type HealthChange, type Member } from '@berth/agent-pool';
import type { AgentAnswer } from '../answers.js';
import { type AgentCapabilities, LIMIT_DEFAULTS } from '../capabilities.js';
import type { AskedEvent, EventKind } from '../events.js';
import type { Judgement, PolicyAgentObserver, PolicyAgentOptions } from '../managed.js';
import { Breaker } from './breaker.js';
import { Deadlines } from './deadlines.js';
import { Ledger } from './ledger.js';
import type { PolicyConnection } from './policy-connection.js';
import type { Reason } from './reason.js';

/** What the connections and conversations of one agent share. */
export class Core {
  readonly pool: AgentPool<PolicyConnection>;
  readonly admission: Admission<PolicyConnection>;
  readonly deadlines: Deadlines;
  readonly breaker: Breaker;
  readonly ledger: Ledger;
  /** by an operator's word nothing new is asked */
  drained = false;
  /** for good */
  closing = false;
  private capabilities: AgentCapabilities | undefined;
  /** that one of its connections wants */
  private events: ReadonlySet<EventKind> | undefined;

  /**
   * @param healthChanged told of each change of a connection's health; the first one puts it into service
   * @param now monotonic ms
   */
  constructor(
    readonly name: string,
    readonly options: PolicyAgentOptions,
    readonly observer: PolicyAgentObserver,
    healthChanged: (member: Member<PolicyConnection>, change: HealthChange) => void,
    readonly now: () => number,
  ) {
    const { strategy, timeoutMs, flowMode, flowWaitMs, maxWaiting, breaker, rememberedDecisions } = options;
    // A probe of the breaker needs a connection that may be asked.
    const retryAfterMs = Math.min(breaker.openMs, HEALTH_DEFAULTS.retryAfterMs);
    const health = { ...HEALTH_DEFAULTS, retryAfterMs };
    // Only healthy ones (checklist C2); who else is there is behind the fail mode.
    const pool = { strategy, slowStartMs: 0, lastResort: false, health, onHealth: healthChanged, now };
    this.pool = new AgentPool<PolicyConnection>(name, pool);
    this.admission = new Admission<PolicyConnection>(this.pool, {
      // With `failOpen` the exchange goes on without the agent, which is not for the pool to say.
      mode: flowMode === 'waitAndRetry' ? flowMode : 'failClosed',
      pauseWaitMs: flowWaitMs,
      maxWaiting,
      maxWaitMs: timeoutMs,
      now,
    });
    this.deadlines = new Deadlines(timeoutMs, now);
    this.breaker = new Breaker(breaker, (state) => observer.breaker(state), now);
    this.ledger = new Ledger(rememberedDecisions);
  }

  get limits(): AgentCapabilities['limits'] {
    return this.capabilities?.limits ?? LIMIT_DEFAULTS;
  }

  supports(kind: EventKind): boolean {
    return this.events?.has(kind) ?? kind === 'requestHeaders';
  }

  /**
   * Takes what the agent says of itself: its limits as the newest of its connections has them, and events that one of
   * them wants. With none left it is as it was, so that nothing passes unasked that would have been asked about.
   */
  said(connections: ReadonlySet<{ readonly capabilities: AgentCapabilities }>): void {
    if (connections.size === 0) return;
    const all = Array.from(connections, ({ capabilities }) => capabilities);
    this.capabilities = all.at(-1);
    this.events = new Set(all.flatMap(({ supportedEvents }) => [...supportedEvents]));
  }

  /** Whether an exchange goes on without the agent. */
  private passes(reason: Reason): boolean {
    const { failMode, flowMode } = this.options;
    return failMode === 'open' || (reason === 'paused' && flowMode === 'failOpen');
  }

  /**
   * Why nothing new is asked, whatever the connections are like.
   *
   * @param isProbe the breaker has let it through before
   */
  refusal(isProbe: boolean): Reason | undefined {
    if (this.closing) return 'closed';
    if (this.drained) return 'drained';
    return isProbe || this.breaker.admits() ? undefined : 'breaker';
  }

  /** Why no connection can be asked now. */
  obstacle(): Reason {
    if (this.closing) return 'closed';
    switch (this.pool.obstacle()) {
      case 'none':
        return 'away';
      case 'unfit':
        return 'unfit';
      case 'drained':
        return 'drained';
      case 'paused':
        return 'paused';
      case 'full':
      case 'congested':
        return 'full';
    }
  }

  /** A question was answered. */
  answered(
    kind: AskedEvent['kind'],
    { correlationId, decision, needsMore, audit }: AgentAnswer,
    durationMs: number,
  ): void {
    const { ledger } = this;
    ledger.responses += 1;
    ledger.durations.observe(durationMs / 1000);
    const outcome = needsMore && decision.kind === 'allow' ? 'needsMore' : decision.kind;
    const status = 'status' in decision ? decision.status : undefined;
    this.judged({ event: kind, correlationId, outcome, reason: undefined, status, audit, durationMs });
  }

  /** A question was not answered, or the answer was of no use. @returns whether the exchange goes on without the agent */
  failed(kind: AskedEvent['kind'], correlationId: string, reason: Reason, durationMs: number): boolean {
    this.ledger.rejections[reason] += 1;
    const passes = this.passes(reason);
    const outcome = passes ? 'skipped' : 'error';
    this.judged({ event: kind, correlationId, outcome, reason, status: undefined, audit: undefined, durationMs });
    return passes;
  }

  private judged(judgement: Judgement): void {
    this.ledger.remember(judgement);
    this.observer.judged(judgement);
  }
}
