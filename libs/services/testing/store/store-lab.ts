import { RedisServer } from '@berth/testing';
import { steadyNow } from '../../src/runtime/clock.js';
import { RedisStore, type RedisStoreOptions } from '../../src/objects/redis-store.js';
import { keyOf } from './samples.js';
import { Wire } from './wire.js';

/** A Redis of its own, a wire to it that can break, and the stores on it; `close()` ends them all. */
export class StoreLab {
  private readonly open: RedisStore[] = [];

  private constructor(
    public server: RedisServer,
    readonly wire: Wire,
  ) {}

  static async start(): Promise<StoreLab> {
    const server = await RedisServer.start();
    return new StoreLab(server, await Wire.to(server.port));
  }

  /** A store at the end of the wire, unless the options say otherwise. */
  async make(options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
    const store = await RedisStore.open({ url: this.wire.url, ...options });
    this.open.push(store);
    // The server knows the scripts from now on: what is lost below is the answer to a change.
    const other = keyOf('warm');
    const deadline = steadyNow() + 25_000;
    await store.save(other, 0, '1', undefined, deadline);
    await store.load(other, undefined, undefined, deadline);
    await store.delete(other, deadline);
    return store;
  }

  async close(): Promise<void> {
    for (const store of this.open.splice(0)) await store.close();
    await this.wire.close();
    await this.server.close();
  }
}
