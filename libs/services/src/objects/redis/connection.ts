import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import { messageOf } from '#errors';
import { ServicesError } from '../../errors.js';
import { Deadlines, type Expiring } from '../../runtime/deadlines.js';
import type { Script } from './scripts.js';

/** What the store needs of a client of `@redis/client`. */
export interface RedisClient {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  sendCommand(args: readonly (string | Buffer)[], options: typeof BINARY): Promise<unknown>;
  on(event: 'ready' | 'end', listener: () => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: string, listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

// A timeout of the client's own would make an AbortSignal for each command; ours is one timer for all.
const BINARY = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer }, timeout: 0 } as const;
/** Before a command is sent again to a server that is there, ms. */
const PAUSE_MS = 20;
const MAX_RECONNECT_MS = 1_000;
/** Answers of a server that is there, and cannot serve yet. */
const NOT_YET = /^(LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)\b/;

/** One operation, whatever happens to the connection meanwhile. */
class Operation implements Expiring {
  heapIndex = -1;
  /** its command is on the way */
  inFlight = false;
  /** how many answers had come when it was sent */
  answersBefore = 0;
  /** an answer was lost with its connection: the command may have been executed */
  unanswered = false;
  retryTimer: NodeJS.Timeout | undefined;

  constructor(
    readonly script: Script | undefined,
    readonly keys: readonly string[],
    readonly args: readonly (string | Buffer)[],
    /** its args begin with '1' when it is sent again */
    readonly writes: boolean,
    readonly deadline: number,
    readonly resolve: (reply: unknown) => void,
    readonly reject: (error: ServicesError) => void,
  ) {}
}

export interface ConnectionOptions {
  readonly operationTimeoutMs: number;
  readonly maxPendingOperations: number;
}

/**
 * Runs scripts over a connection that may break. A command whose answer was lost
 * is sent again as soon as the server is there, and told that it is: scripts that
 * write recognise themselves. No operation lasts longer than `operationTimeoutMs`.
 */
export class RedisConnection {
  private readonly pending = new Set<Operation>();
  private readonly waiting = new Set<Operation>();
  private readonly deadlines = new Deadlines<Operation>((operation) => {
    this.giveUp(operation, `no answer within operationTimeoutMs (${this.options.operationTimeoutMs})`);
    if (operation.inFlight && this.answers === operation.answersBefore) this.reconnect();
  });
  private answers = 0;
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
   * @param script absent: `args` are a command as it is
   * @param writes the first of `args` is '0', and '1' in repetitions
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE`, and `BERTH_SERVICE_OUTCOME_UNKNOWN`
   *   for a write that may have taken effect
   */
  run(
    script: Script | undefined,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
    writes: boolean,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { maxPendingOperations, operationTimeoutMs } = this.options;
      if (this.closed) throw unavailable('it is closed');
      if (this.pending.size >= maxPendingOperations)
        throw unavailable(`${maxPendingOperations} operations wait for it, which is maxPendingOperations`);
      const operation = new Operation(script, keys, args, writes, Date.now() + operationTimeoutMs, resolve, reject);
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
    this.execute(operation).then(
      (reply) => {
        this.answers += 1;
        if (this.end(operation)) operation.resolve(reply);
      },
      (thrown: unknown) => {
        this.failed(operation, thrown);
      },
    );
  }

  private async execute(operation: Operation): Promise<unknown> {
    const { script, keys, writes } = operation;
    const args = writes && operation.unanswered ? ['1', ...operation.args.slice(1)] : operation.args;
    operation.inFlight = true;
    operation.answersBefore = this.answers;
    if (script === undefined) return this.client.sendCommand(args, BINARY);
    const rest = [String(keys.length), ...keys, ...args];
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
    if (!this.end(operation)) return;
    const reason = this.lastError === undefined || this.client.isReady ? why : `${why}; ${this.lastError}`;
    operation.reject(
      operation.writes && (operation.inFlight || operation.unanswered)
        ? new ServicesError(
            'BERTH_SERVICE_OUTCOME_UNKNOWN',
            `the store of objects was sent a change and did not confirm it: ${reason}`,
          )
        : unavailable(reason),
    );
  }

  /** @returns false: it has ended before */
  private end(operation: Operation): boolean {
    if (!this.pending.delete(operation)) return false;
    this.waiting.delete(operation);
    this.deadlines.remove(operation);
    clearTimeout(operation.retryTimer);
    return true;
  }

  /**
   * Nothing has come over this connection for an operation's whole time: it may lead nowhere,
   * which the system would find out in a quarter of an hour.
   */
  private reconnect(): void {
    if (!this.owned || this.closed || !this.client.isReady) return;
    this.lastError = 'its connection was silent';
    this.client.destroy();
    this.client.connect().catch(this.onError);
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

/**
 * A client that connects for as long as it is open.
 *
 * @param connectTimeoutMs the first connection; later ones are tried for ever
 * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE`, `BERTH_SERVICE_INVALID` for what is no url
 */
export async function connectClient(url: string, connectTimeoutMs: number): Promise<RedisClient> {
  const client = newClient(url, connectTimeoutMs);
  let last = 'no answer';
  const onError = (error: unknown): void => {
    last = messageOf(error);
  };
  client.on('error', onError);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, connectTimeoutMs, false);
  });
  // Rejects when destroy() ends it, which is told by the timeout then.
  const connected = client.connect().then(
    () => true,
    (thrown: unknown) => {
      onError(thrown);
      return false;
    },
  );
  const done = await Promise.race([connected, late]);
  clearTimeout(timer);
  if (done) return client;
  if (client.isOpen) client.destroy();
  throw unavailable(`not connected within connectTimeoutMs (${connectTimeoutMs}): ${last}`);
}

function newClient(url: string, connectTimeoutMs: number): ReturnType<typeof createClient> {
  try {
    return createClient({
      url,
      disableOfflineQueue: true,
      commandOptions: { timeout: 0 },
      socket: {
        connectTimeout: connectTimeoutMs,
        reconnectStrategy: (retries) =>
          Math.min(20 * 2 ** Math.min(retries, 10), MAX_RECONNECT_MS) * (0.5 + Math.random() / 2),
      },
    });
  } catch {
    // Neither the url nor the error, which quotes it, is shown: there may be a password in it.
    throw new ServicesError(
      'BERTH_SERVICE_INVALID',
      'the url of the store of objects is not valid; it looks like redis://user:password@host:6379/0',
    );
  }
}

function unavailable(why: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', `the store of objects cannot be used: ${why}`);
}
