import { LimitedLog, type Log } from '@berth/observability';
import { type Exchange, requestIdOf, ResetCode } from '@berth/exchange';

const MESSAGES: Partial<Record<ResetCode, string>> = {
  [ResetCode.refused]: 'an exchange was refused: there are as many as this agent takes',
  [ResetCode.localBusy]: 'an exchange failed: all connections to the local service are in use',
  [ResetCode.localUnreachable]: 'an exchange failed: the local service cannot be reached',
  [ResetCode.localFailed]: 'an exchange failed: the local service gave no usable answer',
  [ResetCode.localTimeout]: 'an exchange failed: the local service did not answer in time',
  [ResetCode.unsupported]: 'an exchange was refused: its kind is not served',
};

const EVENT = { event: 'exchange_failed' };

/** The failures that this agent makes, under the request id that clients and the gateway's log have. */
export class ExchangeLog {
  private readonly limited: LimitedLog;

  constructor(private readonly log: Log) {
    this.limited = new LimitedLog(log, undefined, EVENT);
  }

  /** The agent has reset an exchange. */
  resetSent(connectionId: string, { id, openHead, pipe }: Exchange, code: ResetCode, reason: string): void {
    const message = MESSAGES[code] ?? 'an exchange failed by a fault of this agent';
    const { method, service = '' } = openHead;
    const named = service === '' ? {} : { service };
    const fields = { ...named, requestId: requestIdOf(connectionId, id), reason, method };
    // Many pipes end so, with nobody at fault.
    if (pipe || !this.limited.warn(fields, message)) this.log.debug({ ...EVENT, ...fields }, message);
  }
}
