import { messageOf } from '@berth/errors';
import { JetStreamApiError, jetstream, StorageType } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import type { Inbox } from '../../nats/inbox.js';
import type { Link } from '../../nats/link.js';
import type { Operations, Verdict } from '../operations.js';

/** Until one try is given up for the next, ms: a cluster that has lost a leader answers nothing. */
const TRY_MS = 1_000;
/** JetStream's code for a value whose revision is another one. */
const OTHER_REVISION = 10071;
/** And where a write of a cluster is not through, this one or another, so that the revision cannot be told. */
const IN_FLIGHT = 10164;
/** And for no more memory, disk or bytes of the bucket. */
const NO_ROOM: readonly number[] = [10023, 10047, 10077];
/** For a key that has no value. */
const NO_MESSAGE = 10037;
/** The first version, 2.11.0, in which revisions hold in a cluster. */
const REPLICAS_SINCE = 2_011_000;
const NOT_FOUND = 404;
const NO_RESPONDERS = 503;

export interface BucketOptions {
  readonly name: string;
  readonly replicas: number;
  readonly storage: 'file' | 'memory';
  /** after which values go, ms; default never */
  readonly ttlMs?: number;
}

/** What a bucket has for a key. */
export interface Value {
  /** absent: it was deleted by somebody who knows NATS */
  readonly bytes?: Uint8Array;
  /** 0: there never was one */
  readonly revision: number;
}

interface Answer {
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
  readonly seq: number;
  readonly message?: { readonly seq: number; readonly data?: string; readonly hdrs?: string };
}

/** Nobody keeps the bucket at the moment: nothing was done. */
class Away extends Error {}

/** What an error of a {@link Bucket} says. */
export function verdictOf(thrown: unknown): Verdict {
  if (!(thrown instanceof JetStreamApiError))
    return { why: messageOf(thrown), answered: thrown instanceof Away, final: false };
  const { status, code, message } = thrown;
  const why = `refused by NATS: ${message} (${code})`;
  return { why, answered: true, final: (status < 500 && code !== IN_FLIGHT) || NO_ROOM.includes(code) };
}

/**
 * A bucket of NATS' key-value store. It is made again where it is not there any more: a server may come back without
 * its disk.
 */
export class Bucket {
  private making: Promise<unknown> | undefined;
  /** any server that has the values may be asked: there is one */
  private direct = false;

  private constructor(
    private readonly link: Link,
    private readonly inbox: Inbox,
    private readonly operations: Operations,
    private readonly options: BucketOptions,
  ) {}

  /** Finds or makes it. @throws what NATS says */
  static async open(link: Link, inbox: Inbox, operations: Operations, options: BucketOptions): Promise<Bucket> {
    const bucket = new Bucket(link, inbox, operations, options);
    await bucket.make();
    link.returns.add(() => void bucket.check());
    return bucket;
  }

  /** Makes it again where it is not there any more. Never rejects. */
  private check(): Promise<unknown> {
    this.making ??= this.make()
      .catch(() => undefined)
      .finally(() => (this.making = undefined));
    return this.making;
  }

  private async make(): Promise<void> {
    const { name, replicas, storage, ttlMs } = this.options;
    this.checkServer(replicas);
    const stream = jetstream(this.link.connection, { timeout: TRY_MS });
    const values = await new Kvm(stream).create(name, {
      ...{ history: 1, replicas, ...(ttlMs !== undefined && { ttl: ttlMs }) },
      ...{ storage: storage === 'memory' ? StorageType.Memory : StorageType.File, allow_direct: replicas === 1 },
    });
    // It may have been made by somebody else. A replica may be behind: with several, the leader is asked.
    const { config } = (await values.status()).streamInfo;
    this.checkServer(config.num_replicas);
    this.direct = config.allow_direct && config.num_replicas === 1;
  }

  /** @throws Error it is too old for values with replicas: of two writes that name the same revision it takes both */
  private checkServer(replicas: number): void {
    const { version = '' } = this.link.connection.info ?? {};
    const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
    if (replicas === 1 || major * 1e6 + minor * 1e3 + patch >= REPLICAS_SINCE) return;
    throw new Error(`replicas is ${replicas}; NATS ${version} loses updates then, 2.11 and later do not`);
  }

  /** @throws ServicesError */
  get(key: string, deadline: number | undefined): Promise<Value> {
    const { name } = this.options;
    const subject = `$KV.${name}.${key}`;
    return this.operations.run(false, deadline, async () => {
      if (this.direct) return directValue(await this.ask(`$JS.API.DIRECT.GET.KV_${name}.${subject}`, ''));
      const question = JSON.stringify({ last_by_subj: subject });
      const { error, message } = answerOf(await this.ask(`$JS.API.STREAM.MSG.GET.KV_${name}`, question));
      if (error?.err_code === NO_MESSAGE) return { revision: 0 };
      if (error !== undefined || message === undefined) throw new JetStreamApiError(error ?? NO_ANSWER);
      const { seq, data = '', hdrs = '' } = message;
      const isMark = Buffer.from(hdrs, 'base64').includes(MARK);
      return isMark ? { revision: seq } : { revision: seq, bytes: Buffer.from(data, 'base64') };
    });
  }

  /**
   * Writes, if the value still has a revision: sent again it is still one write. It has no id by which the server would
   * know it: a cluster says of a repetition that it is one although the first write was refused.
   *
   * @param revision 0: there is no value; absent: whatever is there
   * @returns the new revision; `conflict`; `unclear`: it was sent before, and perhaps written
   * @throws ServicesError
   */
  put(
    key: string,
    value: Uint8Array,
    revision: number | undefined,
    deadline: number | undefined,
  ): Promise<number | 'conflict' | 'unclear'> {
    const subject = `$KV.${this.options.name}.${key}`;
    const about = headers();
    if (revision !== undefined) about.append('Nats-Expected-Last-Subject-Sequence', String(revision));
    return this.operations.run(true, deadline, async (again) => {
      const { error, seq } = answerOf(await this.ask(subject, value, about));
      if (error === undefined) return seq;
      if (error.err_code === OTHER_REVISION) return again ? 'unclear' : 'conflict';
      // The first one that is sent may ask what the value is now; of a repetition that would tell nothing yet.
      if (error.err_code === IN_FLIGHT && !again) return 'conflict';
      throw new JetStreamApiError(error);
    });
  }

  private async ask(subject: string, data: Uint8Array | string, about?: MsgHdrs): Promise<Msg> {
    if (this.making !== undefined) await this.making;
    let answer: Msg;
    try {
      answer = await this.inbox.ask(subject, data, TRY_MS, about);
    } catch (thrown) {
      // A server may say nothing of a bucket that it does not have.
      if (this.link.state === 'up') void this.check();
      throw thrown;
    }
    if (answer.data.length > 0 || answer.headers?.code !== NO_RESPONDERS) return answer;
    await this.check();
    throw new Away('nobody there has the bucket');
  }
}

const NO_ANSWER = { code: 500, err_code: 0, description: 'it answers neither a value nor an error' };
/** The header of a value that stands for none. */
const MARK = 'KV-Operation';

function answerOf({ data }: Msg): Answer {
  return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString()) as Answer;
}

function directValue({ headers: about, data }: Msg): Value {
  if (about?.code === NOT_FOUND) return { revision: 0 };
  const revision = Number(about?.get('Nats-Sequence'));
  if (!(revision > 0)) throw new Away(`it answers ${about?.status}`);
  return about?.has(MARK) === true ? { revision } : { revision, bytes: data };
}
