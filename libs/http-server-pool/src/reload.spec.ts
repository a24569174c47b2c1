import { createServer } from 'node:http';
import { once } from 'node:events';
import { freePortRange } from '@berth/testing';
import { HttpServerConfigs, type HttpServerPool, PooledHttpServer, reloadPool } from './index.js';
import { labPool, of, says, serverConfig } from '../testing/pool-lab.js';

const textOf = async (pool: HttpServerPool, name: string): Promise<string> =>
  (await fetch(of(pool, name).expose, { headers: { connection: 'close' } })).text();

describe('reloadPool', () => {
  const list = (...entries: Parameters<typeof serverConfig>[0][]): HttpServerConfigs =>
    new HttpServerConfigs(entries.map(serverConfig));
  const a = { name: 'a', handler: says('a') };
  const b = { name: 'b', handler: says('b') };

  it('D13: leaves what is unchanged, replaces what changed, stops what is gone, starts what is new', async () => {
    await using pool = labPool();
    list(a, b, { name: 'c' }).build(pool);
    await pool.start();
    const before = { a: of(pool, 'a'), b: of(pool, 'b'), c: of(pool, 'c') };
    const { startedAt } = before.a;
    const bListen = before.b.key;
    const result = await reloadPool(pool, list(a, { ...b, handler: says('b2') }, { name: 'd', handler: says('d') }));
    expect(result).toEqual({ unchanged: ['a'], changed: ['b'], added: ['d'], removed: ['c'] });
    expect([of(pool, 'a'), of(pool, 'a').startedAt, before.a.restarts]).toEqual([before.a, startedAt, 0]);
    expect([before.b.running, before.c.running, pool.size]).toEqual([false, false, 3]);
    expect([await textOf(pool, 'a'), await textOf(pool, 'b'), await textOf(pool, 'd')]).toEqual(['a', 'b2', 'd']);
    expect(pool.has(bListen)).toBe(false);
  });

  it('D13: an address stays with its server, is taken over from another, or is exchanged', async () => {
    const { start } = await freePortRange(3);
    const [x, y, z] = [0, 1, 2].map((i) => `127.0.0.1:${start + i}`) as [string, string, string];
    await using pool = labPool();
    list({ ...a, listen: x }, { ...b, listen: y }, { name: 'c', listen: z }).build(pool);
    await pool.start();
    // a and b exchange their addresses; d has that of c, which is gone.
    await reloadPool(
      pool,
      list({ ...a, listen: y }, { ...b, listen: x }, { name: 'd', listen: z, handler: says('d') }),
    );
    expect(await Promise.all([x, y, z].map(async (at) => (await fetch(`http://${at}`)).text()))).toEqual([
      'b',
      'a',
      'd',
    ]);
    // The same address with another handler.
    await reloadPool(pool, list({ ...a, listen: y, handler: says('a2') }));
    expect([await textOf(pool, 'a'), pool.size]).toEqual(['a2', 1]);
  });

  it('D13: one may have the address of another that moves on at the same time', async () => {
    const { start } = await freePortRange(3);
    const [x, y, z] = [0, 1, 2].map((i) => `127.0.0.1:${start + i}`) as [string, string, string];
    await using pool = labPool();
    list({ ...a, listen: x }, { ...b, listen: y }).build(pool);
    await pool.start();
    await reloadPool(pool, list({ ...a, listen: y }, { ...b, listen: z }));
    expect([await textOf(pool, 'a'), await textOf(pool, 'b'), pool.size]).toEqual(['a', 'b', 2]);
  });

  it('D13: one that had to be closed first is brought back when the next one cannot start', async () => {
    const { start: port } = await freePortRange(1);
    await using pool = labPool();
    list({ ...a, listen: `127.0.0.1:${port}` }).build(pool);
    await pool.start();
    // An address that no machine has, and the same port.
    await expect(reloadPool(pool, list({ ...a, listen: `192.0.2.1:${port}` }))).rejects.toThrow(
      `1 of 1 servers could not be started: a [192.0.2.1:${port}]`,
    );
    expect(await textOf(pool, 'a')).toBe('a');
  });

  it('D13: a list that is wrong changes nothing', async () => {
    await using pool = labPool();
    list(a, b).build(pool);
    await pool.start();
    await expect(reloadPool(pool, list({ name: 'a', listen: 'nowhere' }))).rejects.toMatchObject({
      code: 'BERTH_SERVER_POOL_VALIDATE_FAILED',
    });
    expect([await textOf(pool, 'a'), await textOf(pool, 'b')]).toEqual(['a', 'b']);
  });

  it('D13: a server that cannot start leaves the one before it in service, and holds up no other', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = `127.0.0.1:${(other.address() as { port: number }).port}`;
    await using pool = labPool();
    list(a, b).build(pool);
    await pool.start();
    const reload = reloadPool(pool, list({ ...a, listen: taken }, { ...b, handler: says('b2') }));
    await expect(reload).rejects.toMatchObject({
      code: 'BERTH_SERVER_POOL_RESTART_FAILED',
      failures: [{ name: 'a', bind: taken }],
    });
    expect([await textOf(pool, 'a'), await textOf(pool, 'b')]).toEqual(['a', 'b2']);
    other.close();
  });

  it('D13: one that is disabled now is stopped, and one that came without a configuration stays', async () => {
    await using pool = labPool();
    list(a).build(pool);
    pool.store(new PooledHttpServer('by hand', { host: '127.0.0.1', port: 0 }, createServer(says('by hand'))));
    await pool.start();
    const before = of(pool, 'a');
    await reloadPool(pool, list({ ...a, disabled: true }));
    expect([before.running, of(pool, 'a').state]).toEqual([false, 'disabled']);
    expect(await textOf(pool, 'by hand')).toBe('by hand');
    await reloadPool(pool, list(a));
    expect(await textOf(pool, 'a')).toBe('a');
  });

  it('D13: reloads that come together are done one after the other', async () => {
    await using pool = labPool();
    list(a).build(pool);
    await pool.start();
    const lists = [1, 2, 3].map((i) => list({ ...a, handler: says(`a${i}`) }));
    await Promise.all(lists.map((each) => reloadPool(pool, each)));
    expect([await textOf(pool, 'a'), pool.size]).toEqual(['a3', 1]);
  });
});
