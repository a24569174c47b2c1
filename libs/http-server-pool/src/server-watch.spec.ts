import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { eventually } from '@berth/testing';
import { PooledHttpServer, type HttpServerPool, ServerWatch, type WatchEvent, type WatchOptions } from './index.js';
import { labPool, of, says } from '../testing/pool-lab.js';

/** Rounds come when they are asked for. */
function watched(pool: HttpServerPool, options: WatchOptions = {}) {
  const events: WatchEvent[] = [];
  const watch = new ServerWatch(pool, {
    everyMs: 3_600_000,
    minBackoffMs: 1,
    onEvent: (event) => events.push(event),
    ...options,
  });
  watch.start();
  const kinds = (): string[] => events.map(({ kind }) => kind);
  return { watch, events, kinds, [Symbol.dispose]: () => watch.stop() };
}

/** Takes the listening socket away, with nobody told. */
function deafen(server: object): void {
  (server as { _handle: { close(): void } })._handle.close();
}

async function occupy(port: number): Promise<Server> {
  const other = createServer(says('other')).listen(port, '127.0.0.1');
  await once(other, 'listening');
  return other;
}

describe('ServerWatch', () => {
  it('D13: one that ends by itself is brought back at once, on its port, and nobody else is told', async () => {
    await using pool = labPool({ name: 'a', handler: says('a') });
    await pool.start();
    using watch = watched(pool);
    const server = of(pool, 'a');
    const lost: unknown[] = [];
    server.onLost = (error) => lost.push(error);
    const { expose } = server;
    server.server.emit('error', new Error('a fault'));
    await eventually(() => watch.kinds().includes('restarted'));
    expect(watch.kinds()).toEqual(['down', 'restarted']);
    expect(await (await fetch(expose)).text()).toBe('a');
    expect([server.restarts, server.lastError, lost]).toEqual([1, undefined, []]);
  });

  it('D13: what is under way on its connections goes on', async () => {
    let finish: (() => void) | undefined;
    await using pool = labPool({ name: 'a', handler: (_, response) => void (finish = () => response.end('done')) });
    await pool.start();
    using watch = watched(pool);
    const answer = fetch(of(pool, 'a').expose);
    await eventually(() => finish);
    of(pool, 'a').server.emit('error', new Error('a fault'));
    await eventually(() => watch.kinds().includes('restarted'));
    finish?.();
    expect(await (await answer).text()).toBe('done');
  });

  it('D13: one that does not answer several times in a row is restarted; an answer in between counts', async () => {
    let status = 500;
    await using pool = labPool({
      name: 'a',
      healthPath: '/',
      handler: (_, response) => response.writeHead(status).end(),
    });
    await pool.start();
    using watch = watched(pool, { failures: 3 });
    const looks = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 1) await watch.watch.look();
    };
    await looks(2);
    status = 200;
    await looks(1);
    status = 500;
    await looks(2);
    expect(watch.kinds()).toEqual([]);
    await looks(1);
    await eventually(() => watch.kinds().includes('restarted'));
    expect(watch.kinds()).toEqual(['silent', 'restarted']);
    expect(watch.events[0]?.error?.message).toBe('GET / was answered with 500');
  });

  it('D13: one whose socket is gone though it says it runs is found', async () => {
    await using pool = labPool({ name: 'a', handler: says('a') });
    await pool.start();
    using watch = watched(pool, { failures: 1 });
    deafen(of(pool, 'a').server);
    await watch.watch.look();
    await eventually(() => watch.kinds().includes('restarted'));
    expect(await (await fetch(of(pool, 'a').expose)).text()).toBe('a');
  });

  it('D13: waits longer from attempt to attempt, and brings it back when it can be', async () => {
    await using pool = labPool({ name: 'a', handler: says('a') });
    await pool.start();
    using watch = watched(pool, { minBackoffMs: 2, maxBackoffMs: 8 });
    const server = of(pool, 'a');
    server.server.close();
    const other = await occupy(server.port);
    const failed = (): WatchEvent[] => watch.events.filter(({ kind }) => kind === 'restart-failed');
    await eventually(() => failed().length >= 5);
    expect(
      failed()
        .slice(0, 5)
        .map(({ nextInMs }) => nextInMs),
    ).toEqual([2, 4, 8, 8, 8]);
    expect(server.state).toBe('failed');
    other.close();
    await eventually(() => watch.kinds().includes('restarted'));
    expect(await (await fetch(server.expose)).text()).toBe('a');
  });

  it('D13: with a bound it gives up, and tells who waits for it', async () => {
    await using pool = labPool({ name: 'a' });
    await pool.start();
    using watch = watched(pool, { maxAttempts: 2 });
    const server = of(pool, 'a');
    const lost: (Error | undefined)[] = [];
    server.onLost = (error) => lost.push(error);
    server.server.close();
    const other = await occupy(server.port);
    await eventually(() => lost.length === 1);
    expect(watch.kinds()).toEqual(['down', 'restart-failed', 'gave-up']);
    expect(lost[0]?.message).toContain('EADDRINUSE');
    expect(server.wanted).toBe(false);
    other.close();
  });

  it('D13: one that could not start is started when it can be, and one that comes later is watched', async () => {
    await using pool = labPool();
    using watch = watched(pool);
    const other = await occupy(0);
    const { port } = other.address() as { port: number };
    const server = new PooledHttpServer('later', { host: '127.0.0.1', port }, createServer(says('later')));
    pool.store(server);
    await expect(pool.start()).rejects.toMatchObject({ code: 'BERTH_SERVER_POOL_START_FAILED' });
    other.close();
    await watch.watch.look();
    await eventually(() => server.running);
    server.server.close();
    await eventually(() => server.restarts === 2 && server.running);
  });

  it('D13: leaves alone what was stopped, disabled or taken out, and everything once it is stopped itself', async () => {
    await using pool = labPool({ name: 'stopped' }, { name: 'off', disabled: true }, { name: 'out' }, { name: 'last' });
    await pool.start();
    using watch = watched(pool, { failures: 1 });
    await of(pool, 'stopped').stop(0);
    const out = of(pool, 'out');
    pool.delete(out);
    out.server.close();
    await once(out.server, 'close');
    await watch.watch.look();
    expect(watch.kinds()).toEqual([]);
    const last = of(pool, 'last');
    watch.watch.stop();
    const lost = new Promise((resolve) => (last.onLost = resolve));
    last.server.close();
    await lost;
    expect([last.running, out.running, watch.kinds()]).toEqual([false, false, []]);
  });
});
