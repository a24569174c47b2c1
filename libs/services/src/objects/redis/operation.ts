import { ServicesError } from '../../errors.js';
import type { Expiring } from '../../runtime/deadlines.js';
import { unavailable } from './client.js';
import type { Script } from './scripts.js';

/** One operation, whatever happens to the connection meanwhile. */
export class Operation implements Expiring {
  heapIndex = -1;
  /** its command is on the way */
  inFlight = false;
  /** an answer was lost with its connection: the command may have been executed */
  unanswered = false;
  retryTimer: NodeJS.Timeout | undefined;

  /**
   * @param script absent: `args` are a command as it is, which may be done twice
   * @param writes it changes something; the args of a script begin with '1' then when it is sent again, else '0'
   * @param deadline when it is given up, ms since 1970
   * @param ofCall the deadline is that of a call, not the store's own limit
   */
  constructor(
    readonly script: Script | undefined,
    readonly keys: readonly string[],
    readonly args: readonly (string | Buffer)[],
    readonly writes: boolean,
    readonly deadline: number,
    readonly ofCall: boolean,
    readonly resolve: (reply: unknown) => void,
    readonly reject: (error: ServicesError) => void,
  ) {}

  /** What it is sent with now. */
  get parts(): readonly (string | Buffer)[] {
    return this.unanswered && this.writes && this.script !== undefined ? ['1', ...this.args.slice(1)] : this.args;
  }

  /** The error when it is given up before its time is over. */
  failure(why: string): ServicesError {
    return this.unconfirmed ? unconfirmed(why) : unavailable(why);
  }

  /** The error when its time is over. @param operationTimeoutMs the store's own limit */
  lateness(operationTimeoutMs: number, trouble: string | undefined): ServicesError {
    const because = trouble === undefined ? '' : `; ${trouble}`;
    if (!this.ofCall) return this.failure(`no answer within operationTimeoutMs (${operationTimeoutMs})${because}`);
    return this.unconfirmed ? unconfirmed(`the deadline of the call passed${because}`) : timedOut(this.writes, because);
  }

  /** Whether it may have changed something that nobody knows of. */
  private get unconfirmed(): boolean {
    return this.writes && (this.inFlight || this.unanswered);
  }
}

/** The deadline of a call passed, and nothing was changed. */
export function timedOut(writes: boolean, because: string): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_TIMEOUT',
    `the deadline passed: the store of objects ${writes ? 'could not be sent the change' : 'had not answered'}${because}`,
  );
}

function unconfirmed(why: string): ServicesError {
  return new ServicesError(
    'BERTH_SERVICE_OUTCOME_UNKNOWN',
    `the store of objects was sent a change and did not confirm it: ${why}`,
  );
}
