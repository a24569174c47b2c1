import { messageOf } from '@berth/errors';
import { JetStreamApiError, jetstream, StorageType } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { headers, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { ServicesError } from '../../errors.js';
import type { Inbox } from '../../nats/inbox.js';
import { Away, IN_FLIGHT, type Link, NO_STREAM } from '../../nats/link.js';
import { steadyNow } from '../../runtime/clock.js';
import { decodeEntry, type Entries, type Entry, fitted, type Found, NO_ENTRY } from '../entry.js';
import { unavailable } from '../operations.js';

/** Until one try is given up for the next, ms: a cluster that has lost a leader answers nothing. */
const TRY_MS = 1_000;
/** For so long it is believed that a bucket has one replica, ms: somebody may give it more. */
const BELIEVED_MS = 5_000;
/** Bytes that a message has beside an entry. */
const HEAD_ROOM = 64 * 1024;
/** JetStream's code for a value whose revision is another one. */
const OTHER_REVISION = 10071;
/** For a key that has no value. */
const NO_MESSAGE = 10037;
/** The first version in which revisions hold in a cluster. */
const REPLICAS_SINCE = '2.11.0';
const NOT_FOUND = 404;
const NO_RESPONDERS = 503;

export interface BucketOptions {
  readonly name: string;
  readonly replicas: number;
  readonly storage: 'file' | 'memory';
  /** after which values go, ms; default never */
  readonly ttlMs?: number;
}

interface Answer {
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
  readonly seq: number;
  readonly message?: { readonly seq: number; readonly data?: string; readonly hdrs?: string };
}

/**
 * A bucket of NATS' key-value store. It is made again where it is not there any more: a server may come back without
 * its disk. What was read from a bucket that has been made again since is not written above what the new one has.
 */
export class Bucket implements Entries {
  private making: Promise<unknown> | undefined;
  /** absent: the bucket is as it was looked at */
  private trouble: unknown;
  private lookedAt = 0;
  /** any server that has the values may be asked: there is one */
  private direct = false;
  /** when its server made it: another one in its place has another time */
  private era = '';

  private constructor(
    private readonly link: Link,
    private readonly inbox: Inbox,
    private readonly options: BucketOptions,
  ) {}

  /** Finds or makes it. @throws what NATS says; ServicesError its server is too old */
  static async open(link: Link, inbox: Inbox, options: BucketOptions): Promise<Bucket> {
    const bucket = new Bucket(link, inbox, options);
    await bucket.make();
    link.returns.add(() => {
      bucket.trouble = new Away('the bucket was not looked at since the connection is back');
      void bucket.check();
    });
    return bucket;
  }

  async get(key: string, _known: Found | undefined, lost: number): Promise<Found> {
    if (this.direct && steadyNow() > this.lookedAt + BELIEVED_MS) await this.check();
    const { name } = this.options;
    const subject = `$KV.${name}.${key}`;
    const query = JSON.stringify({ last_by_subj: subject });
    await this.ready();
    const { era, direct } = this;
    const value = direct
      ? directValue(await this.ask(`$JS.API.DIRECT.GET.KV_${name}.${subject}`, '', lost))
      : leadersValue(await this.ask(`$JS.API.STREAM.MSG.GET.KV_${name}`, query, lost));
    if (value === undefined) throw await this.gone();
    const { seq, bytes } = value;
    // No version was above the revision of the mark that stands for none.
    const entry = bytes === undefined ? { ...NO_ENTRY, last: seq } : decodeEntry(key, bytes);
    return { entry, revision: seq, era, length: bytes?.length ?? 0 };
  }

  /**
   * It has no id by which the server would know a repetition: a cluster says of one that it is one although the first
   * write was refused.
   */
  async put(key: string, entry: Entry, base: Found | undefined, lost: number): Promise<Found | undefined> {
    await this.ready();
    const { era } = this;
    if (base !== undefined && base.era !== era) return undefined;
    const about = headers();
    if (base !== undefined) about.append('Nats-Expected-Last-Subject-Sequence', String(base.revision));
    const most = this.link.maxBytes - HEAD_ROOM;
    const { bytes, entry: kept } = fitted(entry, most, 'max_payload of the NATS server');
    const { error, seq } = answerOf(await this.ask(`$KV.${this.options.name}.${key}`, bytes, lost, about));
    if (error === undefined && seq > 0) return { entry: kept, revision: seq, era, length: bytes.length };
    // The first one that is sent may ask what the value is now; of a repetition that would tell nothing yet.
    if (error?.err_code === OTHER_REVISION || (error?.err_code === IN_FLIGHT && lost === 0)) return undefined;
    throw new JetStreamApiError(error ?? NO_ANSWER);
  }

  isCurrent({ era }: Found): boolean {
    return this.trouble === undefined && era === this.era;
  }

  /** Looks whether it is there as it was, and makes it again where it is not. Never rejects. */
  private check(): Promise<unknown> {
    this.making ??= this.make()
      .catch((thrown: unknown) => {
        // One that could not be looked at, and was well before, may still be.
        if (this.trouble !== undefined || thrown instanceof ServicesError) this.trouble = thrown;
      })
      .finally(() => (this.making = undefined));
    return this.making;
  }

  private async make(): Promise<void> {
    const { name, replicas, storage, ttlMs } = this.options;
    this.lookedAt = steadyNow();
    this.checkServer(replicas);
    const stream = jetstream(this.link.connection, { timeout: TRY_MS });
    const values = await new Kvm(stream).create(name, {
      ...{ history: 1, replicas, ...(ttlMs !== undefined && { ttl: ttlMs }) },
      ...{ storage: storage === 'memory' ? StorageType.Memory : StorageType.File, allow_direct: replicas === 1 },
    });
    // It may have been made by somebody else. A replica may be behind: with several, the leader is asked.
    const { config, created } = (await values.status()).streamInfo;
    this.checkServer(config.num_replicas);
    this.direct = config.allow_direct && config.num_replicas === 1;
    this.era = created;
    this.trouble = undefined;
  }

  /** @throws ServicesError it is too old for values with replicas: of two writes that name the same revision it takes both */
  private checkServer(replicas: number): void {
    const { version = '' } = this.link.connection.info ?? {};
    if (replicas === 1 || version.localeCompare(REPLICAS_SINCE, 'en', { numeric: true }) >= 0) return;
    throw unavailable(
      `bucket '${this.options.name}': replicas is ${replicas}; NATS ${version} loses updates then, 2.11 and later do not`,
    );
  }

  private async ready(): Promise<void> {
    if (this.making !== undefined) await this.making;
    if (this.trouble !== undefined) await this.check();
    const { trouble } = this;
    if (trouble !== undefined) throw trouble instanceof ServicesError ? trouble : new Away(messageOf(trouble));
  }

  private async ask(subject: string, data: Uint8Array | string, lost: number, about?: MsgHdrs): Promise<Msg> {
    let answer: Msg;
    try {
      // Each try lasts longer: over a slow connection large values take their time.
      answer = await this.inbox.ask(subject, data, TRY_MS * 2 ** Math.min(lost, 3), about);
    } catch (thrown) {
      // A server may say nothing of a bucket that it does not have.
      if (this.link.isUp) void this.check();
      throw thrown;
    }
    if (answer.data.length > 0 || answer.headers?.code !== NO_RESPONDERS) return answer;
    throw await this.gone();
  }

  /** Resolves when it has been looked for, and made where it was not there. */
  private async gone(): Promise<Away> {
    await this.check();
    return new Away('nobody there has the bucket');
  }
}

const NO_ANSWER = { code: 500, err_code: 0, description: 'it answers neither a value nor an error' };
/** The header of a value that stands for none. */
const MARK = 'KV-Operation';

/** What a bucket has for a key. No bytes: nothing, or a mark of somebody who deleted it with the tools of NATS. */
interface Value {
  readonly seq: number;
  readonly bytes?: Uint8Array;
}

function answerOf({ data }: Msg): Answer {
  return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString()) as Answer;
}

/** @returns undefined: there is no bucket */
function leadersValue(msg: Msg): Value | undefined {
  const { error, message } = answerOf(msg);
  if (error?.err_code === NO_STREAM) return undefined;
  if (error?.err_code === NO_MESSAGE) return { seq: 0 };
  if (error !== undefined || message === undefined) throw new JetStreamApiError(error ?? NO_ANSWER);
  const { seq, data = '', hdrs = '' } = message;
  return Buffer.from(hdrs, 'base64').includes(MARK) ? { seq } : { seq, bytes: Buffer.from(data, 'base64') };
}

function directValue({ headers: about, data }: Msg): Value {
  if (about?.code === NOT_FOUND) return { seq: 0 };
  const seq = Number(about?.get('Nats-Sequence'));
  if (!(seq > 0)) throw new Away(`it answers ${about?.status}`);
  return about?.has(MARK) === true ? { seq } : { seq, bytes: data };
}
