import { messageOf } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { type DeadLetterBounds, deadLetterLimits, type DeadLetterStore } from '../letters/dead-letter.js';
import { NatsDeadLetters } from '../letters/nats-letters.js';
import { connectNats } from '../nats/connect.js';
import { escaped, wordsOf } from '../nats/escaped.js';
import { Inbox } from '../nats/inbox.js';
import { Link } from '../nats/link.js';
import { EntryStore } from './entry-store.js';
import { Known } from './known.js';
import { Bucket } from './nats/bucket.js';
import { type NatsStoreOptions, type NatsStoreSettings, natsStoreSettings } from './nats/options.js';
import type { ObjectKey } from './object-store.js';
import { Operations } from './operations.js';

/** What a store needs of its connection, and whether it is the store's. */
interface NatsParts {
  readonly link: Link;
  readonly inbox: Inbox;
  readonly operations: Operations;
  readonly owned: boolean;
}

/**
 * Keeps objects in NATS' key-value store (JetStream, 2.9 or later): one value for each, with its state, its version
 * and its remembered replies, see {@link EntryStore}. A write names the revision that it was made from.
 */
export class NatsStore extends EntryStore {
  private constructor(
    private readonly nats: NatsParts,
    private readonly settings: NatsStoreSettings,
    buckets: { readonly objects: Bucket; readonly replies: Bucket },
  ) {
    super({ ...buckets, known: new Known(), operations: nats.operations, limits: settings, now: Date.now });
  }

  /**
   * Connects, makes the buckets if they are not there, and stays connected until {@link NatsStore.close}.
   *
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE` no server within `connectTimeoutMs`, one without JetStream, or
   *   one that is too old for `replicas`; `BERTH_SERVICE_INVALID` names the option that is wrong
   */
  static async open(options: NatsStoreOptions = {}): Promise<NatsStore> {
    const { client } = options;
    const settings = natsStoreSettings(options);
    const { name, connectTimeoutMs, replyTtlMs: ttlMs } = settings;
    const connection = client ?? (await connectNats(options, connectTimeoutMs, 'BERTH_SERVICE_STORE_UNAVAILABLE'));
    const link = new Link(connection);
    const nats = {
      link,
      inbox: new Inbox(link),
      operations: new Operations(link, settings),
      owned: client === undefined,
    };
    try {
      const objects = await Bucket.open(link, nats.inbox, settings);
      const replies = await Bucket.open(link, nats.inbox, { ...settings, name: `${name}-replies`, ttlMs });
      link.returns.add(() => nats.operations.resume());
      void connection.closed().then(() => nats.operations.close('its connection is closed'));
      return new NatsStore(nats, settings, { objects, replies });
    } catch (thrown) {
      await leave(nats);
      if (thrown instanceof ServicesError) throw thrown;
      // The class is not exported.
      const hint = (thrown as Error).name === 'JetStreamNotEnabled' ? '; is JetStream enabled (nats-server -js)?' : '';
      throw new ServicesError(
        'BERTH_SERVICE_STORE_UNAVAILABLE',
        `the bucket '${name}' cannot be used: ${messageOf(thrown)}${hint}`,
        {},
        { cause: thrown },
      );
    }
  }

  /**
   * A place for the dead letters of a bus (its option `deadLetters`), which goes with this store: the stream
   * `{bucket}-letters`.
   *
   * @param bounds count for all processes; those of the last one that opens it
   * @throws ServicesError `BERTH_SERVICE_STORE_UNAVAILABLE`; `BERTH_SERVICE_INVALID` names the bound that is wrong
   */
  async deadLetters(bounds: DeadLetterBounds = {}): Promise<DeadLetterStore> {
    return NatsDeadLetters.open(this.nats.link, this.nats.operations, this.settings, deadLetterLimits(bounds));
  }

  protected nameOf({ service, partition, objectId }: ObjectKey): string {
    return `${wordsOf(service)}.${partition}.objects.${escaped(objectId)}`;
  }

  protected nameOfReply(scope: string, idempotencyKey: string): string {
    return `${escaped(scope)}.${escaped(idempotencyKey)}`;
  }

  protected disconnect(): Promise<void> {
    return leave(this.nats);
  }
}

async function leave({ link, inbox, owned }: NatsParts): Promise<void> {
  inbox.close();
  link.close();
  if (owned) await link.connection.close();
}
