import { countUp, LatencyHistogram } from '@berth/observability';
import type { AuditData, Judgement } from '@berth/policy-agents';
import type { JudgedEvent } from './exchange/index.js';
import { Recent } from './recent.js';

/** One decision, or why there was none. */
export interface ShownDecision {
  /** ms since the epoch */
  readonly at: number;
  readonly correlationId: string;
  readonly event: string;
  readonly outcome: string;
  /** of a question without an answer */
  readonly reason: string;
  /** of an answer in place of the service's; 0: none */
  readonly status: number;
  /** method and path; empty where it is not known */
  readonly request: string;
  readonly clientAddress: string;
  readonly audit: AuditData | undefined;
}

/** Rules that are counted by their ids; all others together. */
const MAX_RULES = 100;
const OTHER = '(other)';
/** Reasons come from our own code; whatever they are, a label has few values. */
const MAX_REASONS = 50;
/** An exchange has one of each; of other events there may be any number. */
const HEADS: ReadonlySet<string> = new Set(['requestHeaders', 'responseHeaders']);
/** Of a request, as it is kept and shown. */
const MAX_CHARS = 256;

/** What one agent was asked and what came of it, since the gateway knows it by its name. */
export class AgentStats {
  /** by event and outcome, as `requestHeaders block` */
  readonly questions = new Map<string, number>();
  readonly durations = new LatencyHistogram();
  /** questions without an answer, by reason */
  readonly failures = new Map<string, number>();
  /** hits of rules, by the ids that the agent gives */
  readonly rules = new Map<string, number>();
  connects = 0;
  disconnects = 0;
  readonly recent = new Recent<ShownDecision>(0);

  /** One question is over. */
  judged({ event, outcome, reason, durationMs, correlationId }: Judgement): void {
    countUp(this.questions, `${event} ${outcome}`);
    this.durations.observe(durationMs / 1000);
    if (reason === undefined) return;
    countUp(this.failures, this.failures.has(reason) || this.failures.size < MAX_REASONS ? reason : OTHER);
    if (outcome !== 'error' && outcome !== 'skipped') return;
    const nothing = { status: 0, request: '', clientAddress: '', audit: undefined };
    this.recent.add({ at: Date.now(), correlationId, event, outcome, reason, ...nothing });
  }

  /** The same as the handler saw it, with the exchange that it was about. */
  decided({ audit, clientAddress, correlationId, decision, event, method, path, skipped, status }: JudgedEvent): void {
    for (const id of audit?.ruleIds ?? []) {
      countUp(this.rules, this.rules.has(id) || this.rules.size < MAX_RULES ? id : OTHER);
    }
    // A large body alone would push all else out.
    if (skipped || (decision === 'allow' && !HEADS.has(event) && isSilent(audit))) return;
    const request = `${method} ${path}`.slice(0, MAX_CHARS);
    const seen = { correlationId, event, outcome: decision, reason: '', status, request, clientAddress };
    this.recent.add({ at: Date.now(), ...seen, audit });
  }
}

function isSilent(audit: AuditData | undefined): boolean {
  return Object.keys(saidOf(audit)).length === 0;
}

const NOTHING_SAID: AuditData = { tags: [], ruleIds: [], reasonCodes: [], custom: {} };

/** What an agent gave for logs; most leave most of it out. */
export function saidOf(audit: AuditData | undefined): Partial<AuditData> {
  const { custom, reasonCodes, ruleIds, tags } = audit ?? NOTHING_SAID;
  return {
    ...(tags.length > 0 && { tags }),
    ...(ruleIds.length > 0 && { ruleIds }),
    ...(reasonCodes.length > 0 && { reasonCodes }),
    ...(Object.keys(custom).length > 0 && { custom }),
  };
}
