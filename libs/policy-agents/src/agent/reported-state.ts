import { type Member, MemberSignals } from '@berth/agent-pool';
import { BerthError } from '@berth/errors';
import type { EventKind } from '../events.js';
import type { HealthReport } from '../reports.js';
import type { Core } from './core.js';
import { Heartbeat } from './heartbeat.js';
import type { PolicyConnection } from './policy-connection.js';

/** Longest that an agent may stretch its deadlines to. */
export const MAX_STRETCH = 4;
/** Of what an agent says in a report, characters and entries that are kept. */
const MAX_CHARS = 256;
const MAX_ENTRIES = 32;

/** Events that an agent does not want while it reports a feature as disabled. */
const EVENTS_OF: ReadonlyMap<string, readonly EventKind[]> = new Map([
  ['streaming_body', ['requestBody', 'responseBody']],
  ['websocket', ['webSocketFrame']],
  ['guardrails', ['guardrail']],
]);

/** What is known of the state of one connection: by its reports, its pauses and its pings (checklist C7, C13, C16). */
export class ReportedState {
  /** of the time for an answer */
  stretch = 1;
  /** what the agent does not want for now */
  disabled: ReadonlySet<EventKind> = new Set();
  lastReport: HealthReport | undefined;
  private signals: MemberSignals<PolicyConnection> | undefined;
  private member: Member<PolicyConnection> | undefined;
  private heartbeat: Heartbeat | undefined;

  constructor(private readonly connection: PolicyConnection) {}

  serve(member: Member<PolicyConnection>, { options, now }: Core): void {
    this.member = member;
    this.signals = new MemberSignals(member, () => this.connection.room(), now);
    const ping = (sequence: number): void => this.connection.send({ kind: 'ping', sequence, timestampMs: Date.now() });
    this.heartbeat = new Heartbeat(options.pingIntervalMs, ping, now());
  }

  /** Something has come. */
  heard(): void {
    this.heartbeat?.anything();
  }

  ponged(): void {
    this.heartbeat?.pong();
  }

  pauseAsked(paused: boolean): void {
    this.signals?.pauseAsked(paused);
  }

  reports(report: HealthReport): void {
    const { state, message, unhealthyReason, timeoutMultiplier, disabledFeatures } = report;
    const features = disabledFeatures.slice(0, MAX_ENTRIES).map((feature) => feature.slice(0, MAX_CHARS));
    this.lastReport = {
      ...report,
      agentId: report.agentId.slice(0, MAX_CHARS),
      message: message?.slice(0, MAX_CHARS),
      unhealthyReason: unhealthyReason?.slice(0, MAX_CHARS),
      disabledFeatures: features,
    };
    // Shorter deadlines, and what is no number, would only harm.
    this.stretch = timeoutMultiplier > 1 ? Math.min(MAX_STRETCH, timeoutMultiplier) : 1;
    this.disabled = new Set(features.flatMap((feature) => EVENTS_OF.get(feature) ?? []));
    this.signals?.healthReported(state, unhealthyReason ?? message ?? '');
  }

  /** To be called about once a second. @param now monotonic ms */
  tick(now: number): void {
    const until = this.lastReport?.validUntilMs;
    if (until !== undefined && Date.now() > until) this.forgetReport();
    const failing = (this.member?.health.consecutiveErrors ?? 0) > 0;
    const pings = this.heartbeat?.tick(now, failing);
    if (pings === 'dead') {
      const what = `policy agent ${this.connection.link.remote} has been silent for three pings`;
      this.connection.link.close(new BerthError('BERTH_CONNECTION_SILENT', what));
    } else if (pings !== undefined) this.signals?.pingLate(pings === 'late');
  }

  /** What it said holds no longer, and nobody knows better. */
  private forgetReport(): void {
    this.lastReport = undefined;
    this.stretch = 1;
    this.disabled = new Set();
    this.signals?.healthReported('healthy', '');
  }
}
