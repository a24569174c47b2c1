import { LatencyHistogram } from '@berth/observability';
import type { AuditData } from '../answers.js';
import type { Judgement, RememberedDecision } from '../managed.js';
import { type Reason, REASONS } from './reason.js';

/** What was done with one agent, counted where it occurs (checklist C14, C21). */
export class Ledger {
  requests = 0;
  responses = 0;
  /** of them failed by the agent's fault: late, lost, or of no use */
  errors = 0;
  timeouts = 0;
  skipped = 0;
  cancelled = 0;
  lateAnswers = 0;
  unknownAnswers = 0;
  passedOver = 0;
  pauses = 0;
  resumes = 0;
  capacityUpdates = 0;
  /** links that ended with an error, and of them those that sent what nobody can read */
  connectionErrors = 0;
  serializationErrors = 0;
  /** events that nobody waits for, left out because the agent does not read */
  completesLeftOut = 0;
  /** of connections that have gone */
  affinityEvictions = 0;
  readonly rejections = Object.fromEntries(REASONS.map((reason) => [reason, 0])) as Record<Reason, number>;
  readonly durations = new LatencyHistogram();
  private readonly ring: RememberedDecision[] = [];
  private next = 0;

  /** @param remembered decisions that are kept */
  constructor(private readonly remembered: number) {}

  /** Keeps a decision, unless it is one of the many that say nothing. */
  remember(judgement: Judgement): void {
    if (this.remembered === 0 || (judgement.outcome === 'allow' && isSilent(judgement.audit))) return;
    this.ring[this.next] = { ...judgement, at: Date.now() };
    this.next = (this.next + 1) % this.remembered;
  }

  /** The newest first. */
  get decisions(): readonly RememberedDecision[] {
    return [...this.ring.slice(this.next), ...this.ring.slice(0, this.next)].reverse();
  }
}

function isSilent(audit: AuditData | undefined): boolean {
  return audit === undefined || audit.tags.length + audit.ruleIds.length + audit.reasonCodes.length === 0;
}
