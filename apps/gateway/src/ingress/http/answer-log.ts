import type { BerthError } from '@berth/errors';
import { countUp, type ExchangeStats, LimitedLog, type Log } from '@berth/observability';
import { peerAddress } from '@berth/http-server-pool';

/** What a line says of a request; an `IncomingMessage` is one. */
export interface LoggedRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion?: string;
  readonly rawHeaders?: readonly string[];
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** Of a path, in a log line. */
const MAX_PATH_CHARS = 256;

/**
 * Counts and logs what Berth answered by itself at one agent's port, so that the
 * request id in an answer leads somewhere: 5xx at warn and limited, with what the
 * limit leaves out at debug; 4xx at debug.
 */
export class AnswerLog {
  private readonly limited: LimitedLog;

  constructor(
    private readonly log: Log,
    private readonly agentId: string,
    private readonly stats: ExchangeStats,
    private readonly onRefused?: (error: BerthError, requestId: string, request: LoggedRequest) => void,
  ) {
    this.limited = new LimitedLog(log, undefined, { agentId });
  }

  /** An error has been given in place of the agent's answer. */
  errorAnswer(error: BerthError, requestId: string, request: LoggedRequest): void {
    this.stats.countError(error.code);
    this.stats.countAnswer(error.httpStatus);
    this.tell(error, requestId, request);
  }

  /**
   * What came has been answered with an error, and was never for the agent.
   *
   * @param request without a method when what came was none
   */
  refused(error: BerthError, requestId: string, request: LoggedRequest): void {
    countUp(this.stats.refusedCodes, error.code);
    this.onRefused?.(error, requestId, request);
    this.tell(error, requestId, request);
  }

  private tell(error: BerthError, requestId: string, request: LoggedRequest): void {
    const fields = this.fields(error, requestId, request);
    const message = `answered with an error: ${error.code}`;
    if (error.httpStatus >= 500) this.warn(fields, message);
    else this.log.debug(fields, message);
  }

  /** An answer ended in the middle, where its client sees it. */
  brokenOff(error: BerthError, requestId: string, request: LoggedRequest): void {
    this.stats.countError(error.code);
    this.warn(this.fields(error, requestId, request), `an answer was broken off: ${error.code}`);
  }

  /** A pipe ended otherwise than by two ends: that is how many of them end. */
  pipeBrokenOff(error: BerthError, requestId: string, request: LoggedRequest): void {
    this.stats.countError(error.code);
    this.log.debug(this.fields(error, requestId, request), `a pipe was broken off: ${error.code}`);
  }

  private warn(fields: object, message: string): void {
    if (!this.limited.warn(fields, message)) this.log.debug(fields, message);
  }

  private fields(error: BerthError, requestId: string, request: LoggedRequest): object {
    return {
      agentId: this.agentId,
      requestId,
      status: error.httpStatus,
      error: error.message,
      reason: reasonOf(error.cause),
      method: request.method,
      // Without the query, which may hold secrets.
      path: request.url?.split('?', 1)[0]?.slice(0, MAX_PATH_CHARS),
      client: peerAddress(request.socket.remoteAddress),
    };
  }
}

/** What was told by an agent, or thrown underneath. */
export function reasonOf(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('message' in cause)) return undefined;
  return typeof cause.message === 'string' && cause.message !== '' ? cause.message : undefined;
}
