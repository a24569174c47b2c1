import { createClient } from '@redis/client';
import { describeWithRedis, RedisServer } from './redis-server.js';

describeWithRedis('RedisServer', () => {
  it('starts, keeps what was written over a kill and a stop, and forgets it when told so', async () => {
    await using server = await RedisServer.start({ password: 's e/cret' });
    const ask = async (write?: string): Promise<string | null> => {
      const client = createClient({ url: server.url });
      client.on('error', () => undefined);
      await client.connect();
      if (write !== undefined) await client.set('a', write);
      const value = await client.get('a');
      client.destroy();
      return value;
    };
    await ask('1');
    await server.kill();
    await server.start();
    expect(await ask()).toBe('1');
    await server.stop();
    await server.forget();
    await server.start();
    expect(await ask()).toBeNull();
  });

  it('takes no other for its own that has the port', async () => {
    await using first = await RedisServer.start();
    await using second = await RedisServer.start();
    expect(second.port).not.toBe(first.port);
    await second.stop();
    Object.defineProperty(second, 'port', { value: first.port });
    await expect(second.start()).rejects.toThrow(/has ended:[^]*Address already in use/);
  });
});
