import { createClient } from '@redis/client';
import { RedisServer } from '@berth/testing';
import type { RedisBusOptions } from '../../src/bus/redis/options.js';
import { RedisBus } from '../../src/bus/redis/redis-bus.js';
import { FaultyLink } from '../faulty-link.js';

/** A broker of a test's own, buses on it, and ways to disturb both. */
export class RedisLab {
  readonly #buses: RedisBus[] = [];
  readonly #links: FaultyLink[] = [];

  private constructor(
    readonly server: RedisServer,
    private readonly options: Partial<RedisBusOptions>,
  ) {}

  static async open(options: Partial<RedisBusOptions> = {}): Promise<RedisLab> {
    return new RedisLab(await RedisServer.start(), options);
  }

  /** A bus like that of another process; it may not be connected yet. */
  bus(options: Partial<RedisBusOptions> = {}): RedisBus {
    const bus = new RedisBus({ url: this.server.url, ...this.options, ...options });
    this.#buses.push(bus);
    return bus;
  }

  /** A bus behind a link of its own. */
  async behindLink(options: Partial<RedisBusOptions> = {}): Promise<{ bus: RedisBus; link: FaultyLink }> {
    const link = await FaultyLink.to(this.server.port);
    this.#links.push(link);
    const bus = this.bus({ url: link.url, ...options });
    await bus.ready();
    return { bus, link };
  }

  /** What a client of Redis answers, apart from all buses. */
  async ask<T>(...args: string[]): Promise<T> {
    const client = createClient({ url: this.server.url, RESP: 2 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand<T>(args);
    } finally {
      client.destroy();
    }
  }

  async keys(): Promise<string[]> {
    return (await this.ask<string[]>('KEYS', '*')).sort();
  }

  async close(): Promise<void> {
    await Promise.all(this.#buses.map((bus) => bus.close()));
    await Promise.all(this.#links.map((link) => link.close()));
    await this.server.close();
  }
}

/** One test in a lab that is closed after it. */
export function redisTest(
  name: string,
  body: (lab: RedisLab) => Promise<void>,
  options: Partial<RedisBusOptions> = {},
  timeoutMs = 30_000,
): void {
  it(
    name,
    async () => {
      const lab = await RedisLab.open(options);
      try {
        await body(lab);
      } finally {
        await lab.close();
      }
    },
    timeoutMs,
  );
}
