import { createHash } from 'node:crypto';
import {
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type LastForMsgRequest,
  type NextMsgRequest,
  RetentionPolicy,
  type SeqMsgRequest,
  StorageType,
  type StoredMsg,
  type StreamConfig,
} from '@nats-io/jetstream';
import { ServicesError } from '../errors.js';
import { wordsOf } from '../nats/escaped.js';
import { Away, type Link, NO_STREAM } from '../nats/link.js';
import type { NatsStoreSettings } from '../objects/nats/options.js';
import type { Operations } from '../objects/operations.js';
import type { DeadLetter, DeadLetterLimits, DeadLetterStore } from './dead-letter.js';
import { decodeLetter, encodeLetter } from './letter-codec.js';

/** JetStream's code for a stream that is there with another configuration. */
const OTHER_CONFIGURATION = 10058;
const ASK_MS = 1_000;
/** Bytes that a message has beside its letter. */
const HEAD_ROOM = 4096;

/**
 * Dead letters in a stream of JetStream, each under a subject of its own, `{name}.{service}.{partition}.{hash of id}`,
 * of which the newest message counts. The server itself drops the oldest letters.
 */
export class NatsDeadLetters implements DeadLetterStore {
  private making: Promise<void> | undefined;

  private constructor(
    private readonly link: Link,
    private readonly operations: Operations,
    private readonly manager: JetStreamManager,
    private readonly stream: Pick<StreamConfig, 'name' | 'max_msgs' | 'max_bytes'>,
    private readonly limit: number,
  ) {}

  /** Finds or makes the stream. @throws ServicesError see {@link NatsStore.deadLetters} */
  static async open(
    link: Link,
    operations: Operations,
    { name: bucket, replicas, storage }: NatsStoreSettings,
    { deadLetterLimit, deadLetterTotal, deadLetterTotalBytes }: DeadLetterLimits,
  ): Promise<NatsDeadLetters> {
    const manager = await jetstreamManager(link.connection, { timeout: ASK_MS, checkAPI: false });
    const name = `${bucket}-letters`;
    const stream = {
      ...{ name, subjects: [`${name}.>`], retention: RetentionPolicy.Limits, num_replicas: replicas },
      storage: storage === 'memory' ? StorageType.Memory : StorageType.File,
      ...{ max_msgs_per_subject: 1, max_msgs: deadLetterTotal, max_bytes: deadLetterTotalBytes },
    };
    const own = operations.beside(`dead letters '${name}'`);
    const letters = new NatsDeadLetters(link, own, manager, stream, deadLetterLimit);
    await own.run(false, undefined, () => letters.make());
    return letters;
  }

  async add(letter: DeadLetter, deadline?: number): Promise<void> {
    const { service, partition } = letter.invocation;
    const bytes = encodeLetter(letter);
    const most = this.link.maxBytes - HEAD_ROOM;
    if (bytes.length > most)
      throw new ServicesError(
        'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
        `the dead letter has ${bytes.length} bytes; the NATS server takes ${most}: raise its max_payload`,
        { length: bytes.length, limit: most },
      );
    const [subject, filter] = [this.subject(service, partition, letter.id), this.subject(service, partition)];
    const put = async (): Promise<void> => {
      await this.manager.jetstream().publish(subject, bytes);
      await this.manager.streams.purge(this.stream.name, { filter, keep: this.limit });
    };
    await this.ask(true, put, deadline);
  }

  async list(service: string, partition: number, limit: number): Promise<DeadLetter[]> {
    const letters: DeadLetter[] = [];
    const next_by_subj = this.subject(service, partition);
    for (let seq = 1; letters.length < limit; seq += 1) {
      const found = await this.find({ next_by_subj, seq });
      if (found === null) break;
      const letter = decodeLetter(found.data);
      if (letter !== undefined) letters.push(letter);
      ({ seq } = found);
    }
    return letters;
  }

  async get(service: string, partition: number, id: string): Promise<DeadLetter | undefined> {
    const found = await this.find({ last_by_subj: this.subject(service, partition, id) });
    return found === null ? undefined : decodeLetter(found.data);
  }

  async remove(service: string, partition: number, id: string): Promise<boolean> {
    const filter = this.subject(service, partition, id);
    const { purged } = await this.ask(true, () => this.manager.streams.purge(this.stream.name, { filter }));
    return purged > 0;
  }

  /** The leader is asked: a replica may have what was removed. */
  private find(query: LastForMsgRequest | (NextMsgRequest & SeqMsgRequest)): Promise<StoredMsg | null> {
    return this.ask(false, () => this.manager.streams.getMessage(this.stream.name, query));
  }

  /** A stream that is gone is made before the next try: a server may lose its disk, and somebody may delete it. */
  private ask<T>(writes: boolean, work: () => Promise<T>, deadline?: number): Promise<T> {
    return this.operations.run(writes, deadline, async () => {
      try {
        return await work();
      } catch (thrown) {
        // Nobody answers for a stream that is not there, unless the stream itself is asked for.
        const isGone = thrown instanceof JetStreamApiError ? thrown.code === NO_STREAM : this.link.state === 'up';
        if (!isGone) throw thrown;
        this.making ??= this.make().finally(() => (this.making = undefined));
        await this.making;
        if (thrown instanceof JetStreamApiError) throw new Away(thrown.message);
        throw thrown;
      }
    });
  }

  private async make(): Promise<void> {
    const { name, max_msgs, max_bytes } = this.stream;
    try {
      await this.manager.streams.add(this.stream);
    } catch (thrown) {
      if (!(thrown instanceof JetStreamApiError) || thrown.code !== OTHER_CONFIGURATION) throw thrown;
      // All else is as whoever made it wants it.
      await this.manager.streams.update(name, { max_msgs, max_bytes });
    }
  }

  /** Ids may be long, and have anything in them. @param id absent: those of all letters of the service */
  private subject(service: string, partition: number, id?: string): string {
    const last = id === undefined ? '*' : createHash('sha256').update(id).digest('base64url');
    return `${this.stream.name}.${wordsOf(service)}.${partition}.${last}`;
  }
}
