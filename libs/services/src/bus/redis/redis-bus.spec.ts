import { describeWithRedis, eventually, RedisServer } from '#testing';
import type { Invocation } from '../../invocation/invocation.js';
import { RedisBus } from './redis-bus.js';

describeWithRedis('RedisBus', () => {
  let server: RedisServer;
  const buses: RedisBus[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterEach(async () => {
    for (const bus of buses.splice(0)) await bus.close();
  });
  afterAll(async () => {
    await server.close();
  });
  const connect = async (): Promise<RedisBus> => {
    const bus = await RedisBus.connect({ url: server.url });
    buses.push(bus);
    return bus;
  };
  it('carries', async () => {
    const [a, b] = [await connect(), await connect()];
    const seen: unknown[] = [];
    await b.serve(
      { service: 'shop.Cart', partition: 3, statelessMethods: ['f'], concurrency: 4 },
      async ({ invocation }) => {
        seen.push(invocation);
        await Promise.resolve();
        return { status: 0, payload: invocation.payload, headers: { a: 'b' }, invocationId: invocation.id };
      },
    );
    const invocation: Invocation = {
      id: 'x',
      service: 'shop.Cart',
      method: 'f',
      partition: 3,
      payload: Buffer.from('hey'),
      options: {},
    };
    console.log(await a.invoke(invocation, { delivery: 'at-most-once' }));
    console.log(await a.invoke({ ...invocation, objectId: 'o1', options: { k: 'ü' } }, { delivery: 'at-most-once' }));
    console.log(seen);
    console.log(
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          a.invoke({ ...invocation, objectId: 'o1', payload: Buffer.from(String(i)) }, { delivery: 'at-most-once' }),
        ),
      ).then((x) => x.map((r) => Buffer.from(r.payload ?? []).toString()).join()),
    );
    await eventually(() => true);
  });
});
