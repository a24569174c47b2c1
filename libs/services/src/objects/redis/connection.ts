import { ErrorReply } from '@redis/client';
import { messageOf } from '@berth/errors';
import { steadyNow } from '../../runtime/clock.js';
import { type OperationLimits, Operations, type Verdict, type Way } from '../operations.js';
import { BINARY, type RedisClient } from './client.js';
import type { Script } from './scripts.js';

/** Answers of a server that is there, and cannot serve yet. */
const NOT_YET = /^(LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)\b/;

/** Sends scripts and commands over a connection that may break; its operations try them again. */
export class RedisConnection implements Way {
  readonly operations: Operations;
  /** commands without an answer, also of operations that were given up */
  private onTheWay = 0;
  /** when the last answer came, or when somebody began to wait for one; {@link steadyNow} */
  private heardAt = 0;
  private check: NodeJS.Timeout | undefined;
  private closed = false;
  /** what was last wrong, until it is there again */
  reason: string | undefined;

  constructor(
    private readonly client: RedisClient,
    private readonly owned: boolean,
    private readonly limits: OperationLimits,
  ) {
    this.operations = new Operations(this, limits);
    client.on('ready', this.onReady);
    client.on('error', this.onError);
  }

  get isUp(): boolean {
    return this.client.isReady;
  }

  get isOpen(): boolean {
    return this.client.isOpen;
  }

  verdict(thrown: unknown): Verdict {
    const why = messageOf(thrown);
    const answered = thrown instanceof ErrorReply;
    return { why, answered, final: answered && !NOT_YET.test(why) };
  }

  /**
   * One try, as it is.
   *
   * @param script absent: `args` are a command, and `keys` do not count
   * @throws what the client says
   */
  async send(
    script: Script | undefined,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    if (this.onTheWay === 0) this.heardAt = steadyNow();
    this.onTheWay += 1;
    this.check ??= setTimeout(this.onCheck, this.silenceMs).unref();
    try {
      if (script === undefined) return await this.client.sendCommand(args, BINARY);
      return await this.execute(script, [String(keys.length), ...keys, ...args]);
    } finally {
      this.onTheWay -= 1;
      this.heardAt = steadyNow();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.client.off('ready', this.onReady);
    this.operations.close();
    clearTimeout(this.check);
    // Without a listener a client that is destroyed on its way would throw its last error at the process.
    if (this.owned && this.client.isOpen) this.client.destroy();
    if (!this.owned) this.client.off('error', this.onError);
  }

  private async execute({ sha, text }: Script, args: readonly (string | Buffer)[]): Promise<unknown> {
    try {
      return await this.client.sendCommand(['EVALSHA', sha, ...args], BINARY);
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply) || !thrown.message.startsWith('NOSCRIPT')) throw thrown;
      return this.client.sendCommand(['EVAL', text, ...args], BINARY);
    }
  }

  /** What was asked first, and has no deadline, is over before. */
  private get silenceMs(): number {
    return this.limits.operationTimeoutMs + 1;
  }

  /**
   * Commands wait, and nothing has come over this connection for the time of an operation: it may lead
   * nowhere, which the system would find out in a quarter of an hour. What waits is sent again over a new one.
   */
  private readonly onCheck = (): void => {
    this.check = undefined;
    if (this.closed || this.onTheWay === 0) return;
    const left = this.heardAt + this.silenceMs - steadyNow();
    this.check = setTimeout(this.onCheck, left > 0 ? left : this.silenceMs).unref();
    if (left > 0 || !this.owned || !this.isUp) return;
    this.reason = 'its connection was silent';
    this.client.destroy();
    this.client.connect().catch(this.onError);
  };

  private readonly onReady = (): void => {
    this.reason = undefined;
    this.operations.resume();
  };

  private readonly onError = (error: unknown): void => {
    this.reason = messageOf(error);
  };
}
