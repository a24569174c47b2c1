import type { BerthError } from '@berth/errors';
import { LimitedLog, type Log } from '@berth/observability';
import type { LocalService } from '../../agents/index.js';
import { reasonOf } from '../http/answer-log.js';

/** Counts and logs what went wrong at one TCP port: its clients see a reset, and learn nothing more. */
export class PipeLog {
  private readonly limited: LimitedLog;

  constructor(
    private readonly log: Log,
    private readonly service: LocalService,
  ) {
    this.limited = new LimitedLog(log, undefined, { agentId: service.key });
  }

  /**
   * A connection came to nothing: none of its bytes got to the local service.
   *
   * @param requestId undefined when no exchange was opened for it
   */
  refused(error: BerthError, client: string, requestId?: string): void {
    const fields = this.count(error, client, requestId);
    const message = `a connection was reset: ${error.code}`;
    if (!this.limited.warn(fields, message)) this.log.debug(fields, message);
  }

  /** A pipe ended otherwise than by two ends: that is how many of them end. */
  brokenOff(error: BerthError, client: string, requestId: string): void {
    this.log.debug(this.count(error, client, requestId), `a pipe was broken off: ${error.code}`);
  }

  private count(error: BerthError, client: string, requestId: string | undefined): object {
    this.service.stats.countError(error.code);
    return {
      agentId: this.service.key,
      requestId,
      error: error.message,
      reason: reasonOf(error.cause),
      client,
    };
  }
}
