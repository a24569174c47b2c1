import { ErrorReply } from '@redis/client';
import { messageOf } from '@berth/errors';
import { Deadlines, type Expiring } from '../../runtime/deadlines.js';
import { BINARY, type RedisClient, unavailable } from './client.js';
import { Operation, timedOut } from './operation.js';
import type { Script } from './scripts.js';
import { steadyNow } from '../../runtime/clock.js';

/** Before a command is sent again to a server that is there, ms. */
const PAUSE_MS = 20;
/** Answers of a server that is there, and cannot serve yet. */
const NOT_YET = /^(LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)\b/;

/** The time at which a connection has been silent for too long. */
class Silence implements Expiring {
  heapIndex = -1;
  deadline = 0;
}

export interface ConnectionOptions {
  /** of an operation that has no deadline; and how long a connection may be silent while something is asked, ms */
  readonly operationTimeoutMs: number;
  readonly maxPendingOperations: number;
}

/**
 * Runs scripts over a connection that may break. A command whose answer was lost
 * is sent again as soon as the server is there, and told that it is: scripts that
 * write recognise themselves. An operation lasts until its deadline, one without
 * a deadline no longer than `operationTimeoutMs`.
 */
export class RedisConnection {
  private readonly pending = new Set<Operation>();
  private readonly waiting = new Set<Operation>();
  private readonly silence = new Silence();
  private readonly deadlines = new Deadlines<Operation | Silence>((due) => {
    if (due instanceof Operation) this.overdue(due);
    else this.silent();
  });
  /** commands without an answer, also of operations that were given up */
  private onTheWay = 0;
  /** when the last answer came, or when somebody began to wait for one; ms since 1970 */
  private heardAt = 0;
  private lastError: string | undefined;
  private closed = false;

  constructor(
    private readonly client: RedisClient,
    private readonly owned: boolean,
    private readonly options: ConnectionOptions,
  ) {
    client.on('ready', this.onReady);
    client.on('error', this.onError);
  }

  get state(): 'up' | 'down' | 'closed' {
    if (this.closed) return 'closed';
    return this.client.isReady ? 'up' : 'down';
  }

  get reason(): string | undefined {
    return this.state === 'down' ? (this.lastError ?? 'not connected yet') : undefined;
  }

  /**
   * @param script absent: `args` are a command as it is, which may be done twice
   * @param writes it changes something; the first of a script's `args` is '0', and '1' in repetitions
   * @param deadline of the call, ms since 1970; absent: `operationTimeoutMs` from now
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE`; `BERTH_SERVICE_TIMEOUT` at `deadline`; and
   *   `BERTH_SERVICE_OUTCOME_UNKNOWN` for a write that may have taken effect
   */
  run(
    script: Script | undefined,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    writes: boolean,
    deadline: number | undefined,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { maxPendingOperations, operationTimeoutMs } = this.options;
      if (this.closed) throw unavailable('it is closed');
      if (this.pending.size >= maxPendingOperations)
        throw unavailable(`${maxPendingOperations} operations wait for it, which is maxPendingOperations`);
      const now = steadyNow();
      const ofCall = deadline !== undefined;
      const until = deadline ?? now + operationTimeoutMs;
      // Sent now, nobody would wait for what comes of it.
      if (until <= now) throw timedOut(writes, '');
      const operation = new Operation(script, keys, args, writes, until, ofCall, resolve, reject);
      this.pending.add(operation);
      this.deadlines.add(operation);
      this.send(operation);
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.client.off('ready', this.onReady);
    for (const operation of this.pending) this.giveUp(operation, 'it is closed');
    this.deadlines.close();
    // Without a listener a client that is destroyed on its way would throw its last error at the process.
    if (this.owned && this.client.isOpen) this.client.destroy();
    if (!this.owned) this.client.off('error', this.onError);
  }

  private send(operation: Operation): void {
    if (!this.client.isReady) {
      this.waiting.add(operation);
      return;
    }
    this.onTheWay += 1;
    if (this.onTheWay === 1) this.listen();
    this.execute(operation).then(
      (reply) => {
        this.heard();
        if (this.end(operation)) operation.resolve(reply);
      },
      (thrown: unknown) => {
        this.heard();
        this.failed(operation, thrown);
      },
    );
  }

  private async execute(operation: Operation): Promise<unknown> {
    const { script, keys, parts } = operation;
    operation.inFlight = true;
    if (script === undefined) return this.client.sendCommand(parts, BINARY);
    const rest = [String(keys.length), ...keys, ...parts];
    try {
      return await this.client.sendCommand(['EVALSHA', script.sha, ...rest], BINARY);
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply) || !thrown.message.startsWith('NOSCRIPT')) throw thrown;
      return this.client.sendCommand(['EVAL', script.text, ...rest], BINARY);
    }
  }

  private failed(operation: Operation, thrown: unknown): void {
    if (!this.pending.has(operation)) return;
    operation.inFlight = false;
    const message = messageOf(thrown);
    if (!(thrown instanceof ErrorReply)) operation.unanswered = true;
    else if (!NOT_YET.test(message)) {
      this.giveUp(operation, message);
      return;
    }
    if (!this.client.isOpen) {
      this.giveUp(operation, 'its client is closed');
      return;
    }
    if (this.client.isReady) operation.retryTimer = setTimeout(() => this.send(operation), PAUSE_MS);
    else this.send(operation);
  }

  private giveUp(operation: Operation, why: string): void {
    const { trouble } = this;
    if (this.end(operation)) operation.reject(operation.failure(trouble === undefined ? why : `${why}; ${trouble}`));
  }

  private overdue(operation: Operation): void {
    const { trouble } = this;
    if (this.end(operation)) operation.reject(operation.lateness(this.options.operationTimeoutMs, trouble));
  }

  /** Why there is no connection, while there is none. */
  private get trouble(): string | undefined {
    return this.client.isReady ? undefined : this.lastError;
  }

  /** @returns false: it has ended before */
  private end(operation: Operation): boolean {
    if (!this.pending.delete(operation)) return false;
    this.waiting.delete(operation);
    this.deadlines.remove(operation);
    clearTimeout(operation.retryTimer);
    return true;
  }

  /** From now on an answer is waited for. */
  private listen(): void {
    this.heardAt = steadyNow();
    this.listenOn();
  }

  private listenOn(): void {
    // What was asked first, and has no deadline, is over before.
    this.silence.deadline = this.heardAt + this.options.operationTimeoutMs + 1;
    this.deadlines.add(this.silence);
  }

  /** A command has its answer, or will never have one. */
  private heard(): void {
    this.onTheWay -= 1;
    if (this.onTheWay === 0) this.deadlines.remove(this.silence);
    else this.heardAt = steadyNow();
  }

  /**
   * Commands wait, and nothing has come over this connection for the time of an operation: it may lead
   * nowhere, which the system would find out in a quarter of an hour. What waits is sent again over a new one.
   */
  private silent(): void {
    if (steadyNow() <= this.heardAt + this.options.operationTimeoutMs) {
      this.listenOn();
      return;
    }
    if (this.owned && this.client.isReady) {
      this.lastError = 'its connection was silent';
      this.client.destroy();
      this.client.connect().catch(this.onError);
    } else this.listen();
  }

  private readonly onReady = (): void => {
    this.lastError = undefined;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const operation of waiting) this.send(operation);
  };

  private readonly onError = (error: unknown): void => {
    this.lastError = messageOf(error);
  };
}
