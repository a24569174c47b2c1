import { createServer, type IncomingMessage, type RequestListener, request } from 'node:http';
import { PooledHttpServer, HttpServerPool, type HttpServerConfig } from './index.js';

/** Pools end with their test. */
const pools: HttpServerPool[] = [];
afterEach(async () => {
  await Promise.allSettled(pools.splice(0).map((pool) => pool.stop(0)));
});

function poolOf(...configs: Partial<HttpServerConfig>[]): HttpServerPool {
  const pool = new HttpServerPool();
  pools.push(pool);
  for (const config of configs) pool.storeNew({ name: 'test', listen: '127.0.0.1:0', bindAttempts: 1, ...config });
  return pool;
}

const named = (name: string, listen = '127.0.0.1:0'): Partial<HttpServerConfig> => ({ name, listen });
const namesOf = (pool: HttpServerPool): string[] => [...pool].map(({ name }) => name);

async function ask(server: PooledHttpServer | undefined, path = '/'): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const bind = server?.bind ?? { path: '' };
    const where = 'path' in bind ? { socketPath: bind.path } : { host: bind.host, port: bind.port };
    request({ ...where, path, agent: false }, resolve)
      .on('error', reject)
      .end();
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return `${String(response.statusCode)} ${Buffer.concat(chunks).toString()}`;
}

const says =
  (text: string): RequestListener =>
  (_, response) =>
    response.end(text);

/** Fails where it is told to. */
class FaultyServer extends PooledHttpServer {
  constructor(
    name: string,
    private readonly at: 'start' | 'stop',
  ) {
    super(name, { host: '127.0.0.1', port: 0 }, createServer(says(name)));
  }

  override start(): Promise<void> {
    return this.at === 'start' ? Promise.reject(new Error('cannot start')) : super.start();
  }

  override async stop(graceMs?: number): Promise<void> {
    await super.stop(graceMs);
    if (this.at === 'stop') throw new Error('cannot stop');
  }
}

describe('HttpServerPool: what is in it', () => {
  it('D1: servers are loaded by their address, however it is written', () => {
    const pool = poolOf(named('a', 'LOCALHOST:3000'), named('b', '[::1]:3000'), named('c', '/run/c.sock'));
    expect(pool.load('localhost:3000')?.name).toBe('a');
    expect(pool.load('[0:0:0:0:0:0:0:1]:3000')?.name).toBe('b');
    expect(pool.load('unix:/run/c.sock')?.name).toBe('c');
    expect(pool.load('localhost:3001')).toBeUndefined();
    expect(pool.load('nonsense')).toBeUndefined();
    expect([pool.size, pool.has('localhost:3000'), pool.has('127.0.0.1:3000')]).toEqual([3, true, false]);
  });

  it('D1: store takes the place of another and hands it back; storeNew refuses, and checks what it is given', () => {
    const pool = poolOf(named('first', 'localhost:3000'));
    const first = pool.load('localhost:3000');
    const second = new PooledHttpServer('second', { host: 'localhost', port: 3000 }, createServer());
    expect(pool.store(second)).toBe(first);
    expect(pool.store(second)).toBeUndefined();
    expect(namesOf(pool)).toEqual(['second']);
    const refused = (config: Partial<HttpServerConfig>): unknown => {
      try {
        return pool.storeNew({ name: 'third', listen: ':1', ...config });
      } catch (thrown) {
        return thrown;
      }
    };
    expect(refused({ listen: 'localhost:3000' })).toMatchObject({
      code: 'BERTH_SERVER_POOL_ADD_FAILED',
      message: 'cannot add server third: server already exists for localhost:3000',
      cause: { code: 'BERTH_SERVER_EXISTS' },
    });
    expect(refused({ listen: 'nowhere' })).toMatchObject({
      code: 'BERTH_SERVER_POOL_ADD_FAILED',
      cause: { code: 'BERTH_CONFIG_INVALID' },
    });
    expect(pool.size).toBe(1);
  });

  it('D1: delete, loadAndDelete and clean take out without stopping', async () => {
    const pool = poolOf(named('a'), named('b'), named('c'));
    await pool.start();
    const [a, b, c] = [...pool];
    await using _ends = {
      [Symbol.asyncDispose]: async () => {
        for (const it of [a, b, c]) await it?.stop(0);
      },
    };
    expect(pool.delete(a?.key ?? '')).toBe(true);
    expect(pool.delete(a?.key ?? '')).toBe(false);
    expect(pool.loadAndDelete(b?.key ?? '')).toBe(b);
    expect(pool.loadAndDelete(b?.key ?? '')).toBeUndefined();
    expect(namesOf(pool)).toEqual(['c']);
    pool.clean();
    expect(pool.size).toBe(0);
    expect([a, b, c].map((it) => it?.running)).toEqual([true, true, true]);
  });

  it('D1: servers whose port the system chooses are kept apart, and have their key when they listen', async () => {
    const pool = poolOf(named('a'), named('b'));
    expect(pool.load('127.0.0.1:0')?.name).toBe('a');
    await pool.start();
    expect(pool.load('127.0.0.1:0')).toBeUndefined();
    const [a, b] = [...pool];
    expect(a?.port).not.toBe(b?.port);
    expect(pool.load(`127.0.0.1:${String(b?.port)}`)).toBe(b);
  });

  it('D1: IPv4, IPv6 and a name can be listened on', async () => {
    const pool = poolOf(named('v4'), named('v6', '[::1]:0'), named('name', 'localhost:0'), named('all', ':0'));
    pool.handler(says('here'));
    await pool.start();
    for (const server of pool) {
      if (server.name !== 'all') expect(await ask(server)).toBe('200 here');
    }
    expect([...pool].map(({ key }) => key.replace(/\d+$/, 'N'))).toEqual([
      '127.0.0.1:N',
      '[::1]:N',
      'localhost:N',
      ':N',
    ]);
    const all = [...pool][3];
    expect(await (await fetch(all?.expose ?? '')).text()).toBe('here');
  });

  it('D2: walk and walkLimit end on false', () => {
    const pool = poolOf(named('a', ':1'), named('b', ':2'), named('c', ':3'));
    const seen: string[] = [];
    const until =
      (last: string) =>
      ({ name }: PooledHttpServer, bind: string) => {
        seen.push(`${name} ${bind}`);
        return name !== last;
      };
    expect(pool.walk(until(''))).toBe(true);
    expect(pool.walk(until('b'))).toBe(false);
    expect(seen.splice(0)).toEqual(['a :1', 'b :2', 'c :3', 'a :1', 'b :2']);
    expect(pool.walkLimit(until(''), ':3', ':9', ':1')).toBe(true);
    expect(pool.walkLimit(until('c'), ':3', ':1')).toBe(false);
    expect(seen).toEqual(['c :3', 'a :1', 'c :3']);
  });

  it('D3: filter by name, bind or expose address, exactly whatever the case, or by a pattern', () => {
    const pool = poolOf(
      { name: 'api-users', listen: '127.0.0.1:81', expose: 'https://users.example.org' },
      { name: 'api-orders', listen: '127.0.0.1:82' },
      { name: 'Admin', listen: 'localhost:83', expose: 'https://admin.example.org' },
    );
    const api = pool.filter('name', { regex: '^api-' });
    expect(namesOf(api)).toEqual(['api-users', 'api-orders']);
    expect(api.load('127.0.0.1:81')).toBe(pool.load('127.0.0.1:81'));
    expect(namesOf(pool.filter('name', { exact: 'ADMIN' }))).toEqual(['Admin']);
    expect(namesOf(pool.filter('name', { exact: 'api' }))).toEqual([]);
    expect(namesOf(pool.filter('bind', { regex: String.raw`^127\.0\.0\.1:` }))).toEqual(['api-users', 'api-orders']);
    expect(namesOf(pool.filter('expose', { regex: 'example', exact: 'http://127.0.0.1:82' }))).toHaveLength(3);
    api.clean();
    expect(pool.size).toBe(3);
  });

  it('D3: an invalid or boundless pattern is an error, and a catastrophic one costs nothing', () => {
    const pool = poolOf({ name: `${'a'.repeat(5000)}!`, listen: ':1' });
    for (const regex of ['(', '(?=a)', String.raw`(a)\1`, 'a'.repeat(1001), 'a{1001}']) {
      expect(() => pool.filter('name', { regex })).toThrow(
        expect.objectContaining({ code: 'BERTH_SERVER_POOL_BAD_PATTERN' }) as Error,
      );
    }
    expect(() => pool.filter('name', {})).toThrow(
      expect.objectContaining({ code: 'BERTH_SERVER_POOL_EMPTY_PARAMETER' }) as Error,
    );
    // A backtracking engine would not come back from these.
    expect(namesOf(pool.filter('name', { regex: '^(a+)+$' }))).toEqual([]);
    expect(namesOf(pool.filter('name', { regex: '^(a|aa)+$' }))).toEqual([]);
  });

  it('D4: list gives one field of those that another one picks', () => {
    const pool = poolOf({ name: 'a', listen: ':81', expose: 'https://a.example' }, { name: 'b', listen: ':82' });
    expect(pool.list('name', 'bind', { exact: 'B' })).toEqual([':82']);
    expect(pool.list('bind', 'expose', { regex: '.' })).toEqual(['https://a.example', 'http://localhost:82']);
    expect(pool.list('expose', 'name', { regex: '^https' })).toEqual(['a']);
  });

  it('D7: a clone has a map of its own and the same servers; merge adds, and takes the place of what is there', () => {
    const pool = poolOf(named('a', ':1'), named('b', ':2'));
    const clone = pool.clone();
    clone.delete(':1');
    expect([namesOf(pool), namesOf(clone)]).toEqual([['a', 'b'], ['b']]);
    expect(clone.load(':2')).toBe(pool.load(':2'));
    const other = poolOf(named('b2', ':2'), named('c', ':3'));
    expect(pool.merge(other).map(({ name }) => name)).toEqual(['b']);
    expect(namesOf(pool)).toEqual(['a', 'b2', 'c']);
  });
});

describe('HttpServerPool: what they do', () => {
  it('D5: starts, restarts and stops all; an empty pool can, too', async () => {
    const empty = poolOf();
    await empty.start();
    await empty.restart();
    await empty.stop();
    const pool = poolOf({ ...named('a'), handler: says('a') }, { ...named('b'), handler: says('b') });
    await pool.start();
    const [a, b] = [...pool];
    expect([await ask(a), await ask(b)]).toEqual(['200 a', '200 b']);
    const before = [a?.port, b?.port];
    await pool.restart(0);
    expect([await ask(a), await ask(b)]).toEqual(['200 a', '200 b']);
    expect([a?.port, b?.port]).toEqual(before);
    expect([a?.restarts, b?.restarts]).toEqual([1, 1]);
    await pool.stop();
    await expect(ask(a)).rejects.toThrow('ECONNREFUSED');
    expect(pool.size).toBe(2);
  });

  it.each([
    ['start', 'BERTH_SERVER_POOL_START_FAILED', 'could not be started', 'cannot start'],
    ['restart', 'BERTH_SERVER_POOL_RESTART_FAILED', 'could not be restarted', 'cannot start'],
    ['stop', 'BERTH_SERVER_POOL_STOP_FAILED', 'could not be stopped', 'cannot stop'],
  ] as const)(
    'D5, D11, A7: %s goes on past those that fail, and one error names them',
    async (act, code, what, why) => {
      const pool = poolOf(named('good'));
      const at = act === 'stop' ? 'stop' : 'start';
      for (const name of ['bad', 'worse']) pool.store(new FaultyServer(name, at));
      if (act === 'stop') await pool.start();
      const error: unknown = await pool[act](0).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, failures: [{ name: 'bad' }, { name: 'worse' }] });
      const { message } = error as Error;
      expect(message).toMatch(new RegExp(`^2 of 3 servers ${what}: bad \\[127.0.0.1:\\d+\\]: ${why}; worse `));
      expect(pool.filter('name', { exact: 'good' }).isRunning).toBe(act !== 'stop');
    },
  );

  it('D5: all start at once', async () => {
    const pool = poolOf();
    let waiting = 0;
    let release: (() => void) | undefined;
    const all = new Promise<void>((resolve) => (release = resolve));
    for (const name of ['a', 'b', 'c']) {
      const server = new FaultyServer(name, 'stop');
      server.start = async () => {
        waiting += 1;
        if (waiting === 3) release?.();
        await all;
      };
      pool.store(server);
    }
    await pool.start();
    expect(waiting).toBe(3);
  });

  it('D6: runs while any of them does; its uptime is the longest', async () => {
    const pool = poolOf(named('a'), named('b'));
    expect([pool.isRunning, pool.uptimeMs]).toEqual([false, 0]);
    await pool.start();
    const [a, b] = [...pool];
    await b?.restart(0);
    // Read in this order, because time goes on between two looks.
    const [least, pooled, most] = [a?.uptimeMs ?? NaN, pool.uptimeMs, a?.uptimeMs ?? NaN];
    expect(b?.startedAt).toBeGreaterThanOrEqual(a?.startedAt ?? NaN);
    expect(pooled).toBeGreaterThanOrEqual(least);
    expect(pooled).toBeLessThanOrEqual(most);
    await a?.stop(0);
    expect([pool.isRunning, a?.uptimeMs]).toEqual([true, 0]);
    await b?.stop(0);
    expect(pool.isRunning).toBe(false);
  });

  it('D8: a shared handler answers at those without one of their own, those that come later among them', async () => {
    const pool = poolOf({ ...named('own'), handler: says('own') }, named('none'));
    pool.store(new FaultyServer('listener', 'stop'));
    pool.handler(says('shared'));
    pool.storeNew({ name: 'later', listen: '127.0.0.1:0' });
    await pool.start();
    const answers = await Promise.all([...pool].map(async (server) => `${server.name}: ${await ask(server)}`));
    expect(answers).toEqual(['own: 200 own', 'none: 200 shared', 'listener: 200 listener', 'later: 200 shared']);
    pool.handler(says('other'));
    expect(await ask([...pool][1])).toBe('200 other');
    pool.handler(undefined);
    expect(await ask([...pool][1])).toMatch(/^500/);
  });
});
