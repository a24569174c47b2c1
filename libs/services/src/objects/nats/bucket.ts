import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@berth/errors';
import { JetStreamApiError, type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { ServicesError } from '../../errors.js';
import type { Link } from '../../nats/link.js';
import { steadyNow } from '../../runtime/clock.js';

/** Until one try is given up for the next, ms: what was asked of a connection that broke is never answered. */
const TRY_MS = 1_000;
const PAUSE_MS = 50;
/** JetStream's codes for a value whose revision is another one. */
const OTHER_REVISION: readonly number[] = [10071, 10164];
/** And for no more memory, disk or bytes of the bucket. */
const NO_ROOM: readonly number[] = [10023, 10047, 10077];

export interface BucketOptions {
  readonly name: string;
  readonly replicas: number;
  /** after which values go, ms; default never */
  readonly ttlMs?: number;
}

/** How long an operation may last. */
export interface Until {
  /** {@link steadyNow} */
  readonly deadline: number;
  /** it is a call's, not the store's own limit */
  readonly ofCall: boolean;
}

/** A bucket of NATS' key-value store, whose operations go on over a broken connection until their deadline. */
export class Bucket {
  /** A server that came back without its disk has no bucket. */
  private made: Promise<unknown> | undefined;

  private constructor(
    private readonly link: Link,
    private readonly name: string,
    private readonly values: KV,
    private readonly stream: JetStreamClient,
    make: () => Promise<unknown>,
  ) {
    link.returns.add(() => {
      this.made = make().catch(() => undefined);
    });
  }

  /** Finds or makes it. @throws what NATS says */
  static async open(link: Link, { name, replicas, ttlMs }: BucketOptions): Promise<Bucket> {
    const connection: NatsConnection = link.connection;
    const stream = jetstream(connection, { timeout: TRY_MS });
    const make = (): Promise<KV> =>
      new Kvm(stream).create(name, {
        ...{ history: 1, replicas, ...(ttlMs !== undefined && { ttl: ttlMs }) },
        // A replica may be behind: with several, the leader is asked.
        allow_direct: replicas === 1,
      });
    return new Bucket(link, name, await make(), stream, make);
  }

  /** The value and its revision. @throws ServicesError */
  async get(key: string, until: Until): Promise<{ readonly value: Uint8Array; readonly revision: number } | undefined> {
    const entry = await this.trying(until, false, () => this.values.get(key));
    return entry === null || entry.operation !== 'PUT' ? undefined : entry;
  }

  /**
   * Writes, if the value still has a revision; sent again it is still one write.
   *
   * @param revision 0: there is no value; absent: whatever is there
   * @param id of the write; by it the server knows one that it has had
   * @returns the new revision; `conflict`; `unclear`: it was sent before, and perhaps written and overwritten
   * @throws ServicesError
   */
  async put(
    key: string,
    value: Uint8Array,
    revision: number | undefined,
    id: string,
    until: Until,
  ): Promise<number | 'conflict' | 'unclear'> {
    const subject = `$KV.${this.name}.${key}`;
    const expect = revision === undefined ? {} : { expect: { lastSubjectSequence: revision } };
    let sent = 0;
    return this.trying(until, true, async () => {
      sent += 1;
      try {
        return (await this.stream.publish(subject, value, { msgID: id, ...expect })).seq;
      } catch (thrown) {
        if (!(thrown instanceof JetStreamApiError) || !OTHER_REVISION.includes(thrown.code)) throw thrown;
        return sent === 1 ? 'conflict' : 'unclear';
      }
    });
  }

  private async within<T>(pending: Promise<T>, deadline: number): Promise<T> {
    const { breaks } = this.link;
    const { promise: over, reject } = Promise.withResolvers<never>();
    const broken = (): void => reject(new Error('the connection was lost'));
    const timer = setTimeout(() => reject(new Error('no answer')), Math.max(0, deadline - steadyNow()));
    breaks.add(broken);
    try {
      return await Promise.race([pending, over]);
    } finally {
      clearTimeout(timer);
      breaks.delete(broken);
    }
  }

  private async trying<T>(until: Until, writes: boolean, work: () => Promise<T>): Promise<T> {
    const { link } = this;
    // A try that nobody answered may have been made.
    let unanswered = false;
    let last = link.reason ?? 'no answer';
    for (;;) {
      if (link.connection.isClosed()) throw unavailable(last, unanswered && writes);
      if (steadyNow() >= until.deadline) throw late(until, last, unanswered && writes);
      if (link.state === 'up') {
        if (this.made !== undefined) await this.within(this.made, until.deadline).catch(() => undefined);
        this.made = undefined;
        try {
          return await this.within(work(), until.deadline);
        } catch (thrown) {
          const isAnswer = thrown instanceof JetStreamApiError;
          if (isAnswer && (thrown.status < 500 || NO_ROOM.includes(thrown.code))) throw refused(thrown);
          unanswered ||= !isAnswer;
          last = isAnswer ? whyNot(thrown) : messageOf(thrown);
        }
      } else last = link.reason ?? last;
      await sleep(Math.max(1, Math.min(PAUSE_MS, until.deadline - steadyNow())));
    }
  }
}

function refused(error: JetStreamApiError): ServicesError {
  return new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', whyNot(error), {}, { cause: error });
}

function whyNot(error: JetStreamApiError): string {
  return `the store of objects is refused by NATS: ${error.message} (${error.code})`;
}

function unavailable(why: string, unconfirmed: boolean): ServicesError {
  return unconfirmed
    ? new ServicesError(
        'BERTH_SERVICE_OUTCOME_UNKNOWN',
        `the store of objects was sent a change and did not confirm it: ${why}`,
      )
    : new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', `the store of objects cannot be used: ${why}`);
}

function late({ ofCall }: Until, why: string, unconfirmed: boolean): ServicesError {
  if (!ofCall || unconfirmed) return unavailable(ofCall ? `the deadline of the call passed; ${why}` : why, unconfirmed);
  return new ServicesError(
    'BERTH_SERVICE_TIMEOUT',
    `the deadline passed: the store of objects had not answered; ${why}`,
  );
}
