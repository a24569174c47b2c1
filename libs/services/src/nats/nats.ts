import type { NatsConnection } from '@nats-io/transport-node';
import { NatsBus, type NatsBusOptions } from '../bus/nats/nats-bus.js';
import { NatsStore } from '../objects/nats-store.js';
import type { NatsStoreOptions } from '../objects/nats/options.js';
import { MAX_MS, wholeNumber } from '../numbers.js';
import { connectNats, type NatsServer } from './connect.js';

type Own = keyof NatsServer | 'client' | 'connectTimeoutMs';

/** Settings of {@link Nats.connect}. */
export interface NatsOptions extends NatsServer {
  /** how long to wait for a server, ms, 1..2^31-1; default 5,000 */
  readonly connectTimeoutMs?: number | undefined;
  readonly bus?: Omit<NatsBusOptions, Own>;
  readonly store?: Omit<NatsStoreOptions, Own>;
}

/** Bus and store of a runtime over one connection to NATS; the dead letters of the bus are in the store. */
export class Nats {
  private constructor(
    readonly bus: NatsBus,
    readonly store: NatsStore,
    private readonly connection: NatsConnection,
  ) {}

  /**
   * @throws ServicesError `BERTH_SERVICE_BUS_UNAVAILABLE` no server in time; `BERTH_SERVICE_STORE_UNAVAILABLE` it has no
   *   JetStream; `BERTH_SERVICE_INVALID` names the option that is wrong
   */
  static async connect({ connectTimeoutMs = 5_000, bus, store, ...server }: NatsOptions = {}): Promise<Nats> {
    wholeNumber('connectTimeoutMs', connectTimeoutMs, 1, MAX_MS);
    const client = await connectNats(server, connectTimeoutMs, 'BERTH_SERVICE_BUS_UNAVAILABLE');
    const shared = { client, connectTimeoutMs };
    try {
      const opened = await NatsStore.open({ ...store, ...shared });
      const deadLetters = bus?.deadLetters ?? (await opened.deadLetters(bus));
      return new Nats(await NatsBus.connect({ ...bus, ...shared, deadLetters }), opened, client);
    } catch (thrown) {
      await client.close();
      throw thrown;
    }
  }

  /** Closes bus, store and connection: after `services.close()`. */
  async close(): Promise<void> {
    try {
      await this.bus.close();
      await this.store.close();
    } finally {
      await this.connection.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
