import { Injectable } from '@nestjs/common';
import { BerthError } from '@berth/errors';
import { LifecycleEvents } from '../lifecycle/index.js';
import { EdgeLog } from './edge-log.js';

/** Of what a peer said, in a log line or an answer to it. */
const MAX_ECHO_CHARS = 256;

/** Tells of registrations that are refused, whatever the kind of connection. */
@Injectable()
export class Refusals {
  constructor(
    private readonly events: LifecycleEvents,
    private readonly log: EdgeLog,
  ) {}

  /**
   * @param agentId as the agent gave it; empty: it gave none
   * @returns the error for the agent, with no more of what it said than a line holds
   */
  refused(agentId: string, thrown: unknown): BerthError {
    const error = echoOf(BerthError.from(thrown));
    const fields = { agentId: agentId.slice(0, MAX_ECHO_CHARS), code: error.code };
    this.events.emit('registration.refused', { ...fields, message: error.message });
    // The code belongs to the kind: a flood of one refusal must not hide another.
    if (error.code === 'BERTH_INTERNAL') this.log.error({ ...fields, err: error.cause }, 'registration failed');
    else this.log.warn({ ...fields, reason: error.message }, `registration refused: ${error.code}`);
    return error;
  }
}

function echoOf(error: BerthError): BerthError {
  const { code, message, cause } = error;
  if (message.length <= MAX_ECHO_CHARS) return error;
  return new BerthError(code, `${message.slice(0, MAX_ECHO_CHARS)} …`, { cause });
}
