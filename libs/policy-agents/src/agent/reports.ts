import { messageOf } from '@berth/errors';
import type { PolicyAgentObserver } from '../managed.js';
import type { AgentReport, ConfigUpdate, FlowSignal, LogReport } from '../reports.js';
import { Allowance } from './allowance.js';
import type { Core } from './core.js';
import type { PolicyConnection } from './policy-connection.js';

/** Reports of metrics that are handed on, per second and at once. */
const METRICS = [4, 16] as const;
/** Wishes for the configuration that are looked at, per second and at once. */
const UPDATES = [10, 20] as const;
/** Of a line of an agent's log, characters of each text and fields that are handed on. */
const MAX_CHARS = 1024;
const MAX_FIELDS = 16;

/**
 * Takes what an agent says unasked (checklist C7, C16, C18, C20). It may say as
 * much as it likes: what costs more than a few steps is handed on in limits.
 */
export class Reports {
  private readonly metrics: Allowance;
  private readonly logs: Allowance;
  private readonly updates: Allowance;

  constructor(private readonly core: Core) {
    const { options, now } = core;
    this.metrics = new Allowance(...METRICS, now);
    this.logs = new Allowance(options.maxLogsPerSecond, options.maxLogsPerSecond, now);
    this.updates = new Allowance(...UPDATES, now);
  }

  take(connection: PolicyConnection, report: AgentReport): void {
    switch (report.kind) {
      case 'health': {
        connection.state.reports(report);
        return;
      }
      case 'flow': {
        this.flow(connection, report);
        return;
      }
      case 'metrics':
        if (this.takes(this.metrics)) this.observer.metrics(connection.id, report);
        return;
      case 'log':
        if (this.takes(this.logs)) this.observer.log(connection.id, cut(report));
        return;
      case 'configUpdate': {
        this.update(connection, report);
        return;
      }
    }
  }

  private get observer(): PolicyAgentObserver {
    return this.core.observer;
  }

  private takes(allowance: Allowance): boolean {
    if (allowance.take()) return true;
    this.core.ledger.passedOver += 1;
    return false;
  }

  private flow(connection: PolicyConnection, { action, correlationId, bufferAvailable }: FlowSignal): void {
    const { ledger } = this.core;
    if (action === 'pause') ledger.pauses += 1;
    else if (action === 'resume') ledger.resumes += 1;
    else ledger.capacityUpdates += 1;
    // Room for nothing is a pause; any other room its end, as the originals take it.
    connection.setPaused(action === 'pause' || (action === 'updateCapacity' && bufferAvailable === 0), correlationId);
  }

  private update(connection: PolicyConnection, update: ConfigUpdate): void {
    // Who does not read answers is given none.
    if (connection.congested) {
      this.core.ledger.passedOver += 1;
      return;
    }
    const { accepted, error } = this.takes(this.updates)
      ? this.asked(update)
      : { accepted: false, error: 'too many updates at once' };
    const { requestId } = update;
    connection.send({ kind: 'configUpdateReply', requestId, accepted, error, timestampMs: Date.now() });
  }

  private asked(update: ConfigUpdate): { readonly accepted: boolean; readonly error?: string | undefined } {
    try {
      return this.observer.configUpdate(update);
    } catch (thrown) {
      return { accepted: false, error: messageOf(thrown) };
    }
  }
}

function cut(report: LogReport): LogReport {
  const fields = Object.entries(report.fields).slice(0, MAX_FIELDS);
  return {
    ...report,
    message: report.message.slice(0, MAX_CHARS),
    correlationId: report.correlationId?.slice(0, MAX_CHARS),
    fields: Object.fromEntries(fields.map(([name, value]) => [name.slice(0, MAX_CHARS), value.slice(0, MAX_CHARS)])),
  };
}
