import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';
import { Registry } from 'prom-client';
import { isErrorCode } from '@berth/errors';
import {
  client,
  InvocationError,
  InvocationStatus,
  MemoryBus,
  Nats,
  NatsBus,
  RedisStore,
  registerServicesMetrics,
  Services,
  ServicesError,
} from 'berth-services';
import { describeWithNats, describeWithRedis, NatsServer, RedisServer } from '@berth/testing';
import { BUS_DEFAULTS, carriedBusTimes } from '../../libs/services/src/bus/bus-options.js';
import { MEMORY_STORE_DEFAULTS } from '../../libs/services/src/objects/memory-store.js';
import { NATS_STORE_DEFAULTS } from '../../libs/services/src/objects/nats/options.js';
import { REDIS_STORE_DEFAULTS } from '../../libs/services/src/objects/redis-store.js';
import { statusOf } from '../../libs/services/src/invocation/replies.js';
import { resolveOptions } from '../../libs/services/src/runtime/services-options.js';
import { serverSettings } from '../../libs/services/src/server/server-options.js';
import { Counter } from './counter.js';
import { TextTools } from './text-tools.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(`${root}docs/services.md`, 'utf8');

/** Cells of the table rows below a heading that follow a header row which begins with `first`. */
function table(first: string): string[][] {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => cellsOf(line)[0] === first);
  if (at < 0) throw new Error(`docs/services.md has no table that begins with '${first}'`);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith('|'));
  return lines.slice(at + 2, end).map(cellsOf);
}

function cellsOf(line: string): string[] {
  if (!line.startsWith('|')) return [];
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}

/** As the tables write it. */
const shown = (value: unknown): string => (typeof value === 'number' ? value.toLocaleString('en-US') : String(value));

/** What the headings of a document can be linked by. */
function anchorsOf(markdown: string): Set<string> {
  const titles = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase());
  return new Set(titles.map((title) => title.replaceAll(/[^a-z0-9 -]/g, '').replaceAll(' ', '-')));
}

/** Code without what its place in a file changes: spaces, line breaks, comments, and the commas that formatting adds. */
function bare(code: string): string {
  return code
    .replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/ .*$/gm, '')
    .replaceAll(/\s+/g, '')
    .replaceAll(/,(?=[)}\]])/g, '');
}

describe('docs/services.md', () => {
  it('shows code that is tested: each block is in an example or in this file', () => {
    const files = globSync('examples/services{,-nest}/*.ts', { cwd: root });
    const sources = files.map((file) => bare(readFileSync(root + file, 'utf8')));
    // What names its file is the first page, which test/packages.spec.ts compiles and runs.
    const blocks = [...text.matchAll(/```ts\n(?!\/\/ src\/)([\s\S]*?)```/g)].map(([, code = '']) => code);
    expect(blocks.length).toBeGreaterThan(10);
    const unknown = blocks.filter((code) => !sources.some((source) => source.includes(bare(code))));
    expect(unknown).toEqual([]);
  });

  it('shows a client that trusts a certificate: the file is read when the client is made', () => {
    const made = (): unknown => {
      const counters = client(Counter, { address: 'localhost:8100', grpc: { tls: { caFile: 'cert.pem' } } });
      return counters;
    };
    expect(made).toThrow('cert.pem');
  });

  it('names the defaults of the function server', () => {
    const settings: object = serverSettings({});
    const documented = Object.fromEntries(table('option of the server').map(([name = '', value]) => [name, value]));
    const actual = Object.entries(settings).filter(([name]) => name !== 'tls');
    expect(documented).toEqual(Object.fromEntries(actual.map(([name, value]) => [name, shown(value)])));
  });

  it('names the defaults of the runtime', () => {
    const limits = Object.entries(resolveOptions({})).filter(([, value]) => typeof value === 'number');
    const documented = Object.fromEntries(table('option of Services').map(([name = '', value]) => [name, value]));
    expect(documented).toEqual(Object.fromEntries(limits.map(([name, value]) => [name, shown(value)])));
  });

  it('names the defaults of both buses', () => {
    const both = [BUS_DEFAULTS, { ...BUS_DEFAULTS, ...carriedBusTimes({}) }];
    const texts = ['servers', 'connection', 'client', 'prefix', 'deadLetters', 'log'];
    const rows = table('option of the bus').filter(([name = '']) => !texts.includes(name));
    expect(rows.map(([name]) => name).toSorted()).toEqual([...new Set(both.flatMap(Object.keys))].toSorted());
    for (const [name = '', ...cells] of rows) {
      const actual = both.map((limits: object) => (limits as Record<string, unknown>)[name]);
      expect([name, ...cells.slice(0, 2)]).toEqual([
        name,
        ...actual.map((value) => (value === undefined ? '' : shown(value))),
      ]);
    }
  });

  it('names the defaults of the stores', () => {
    const all = { Memory: MEMORY_STORE_DEFAULTS, Nats: NATS_STORE_DEFAULTS, Redis: REDIS_STORE_DEFAULTS };
    for (const [store = '', , options = ''] of table('store')) {
      const [, defaults = {}] = Object.entries(all).find(([name]) => store.includes(name)) ?? [];
      expect(Object.keys(defaults).length).toBeGreaterThan(3);
      for (const [name, value] of Object.entries(defaults))
        expect(options).toContain(`${name} ${name === 'deletionKnownMs' ? 'a week' : shown(value)}`);
    }
    expect(REDIS_STORE_DEFAULTS.deletionKnownMs).toBe(7 * 24 * 3_600_000);
  });

  it('gives each code of a reply the status that it has on the wire (B13)', () => {
    const names = Object.entries(InvocationStatus);
    const rows = table('code');
    expect(rows.length).toBeGreaterThan(10);
    for (const [code = '', status] of rows) {
      if (!isErrorCode(code)) throw new Error(`${code} is no error code`);
      expect([code, status]).toEqual([code, names.find(([, value]) => value === statusOf(code))?.[0]]);
    }
  });

  it('links to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    expect(links.length).toBeGreaterThan(10);
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? `${root}docs/services.md` : `${root}docs/${path}`;
      return !existsSync(file) || (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).has(anchor));
    });
    expect(broken).toEqual([]);
  });
});

// The code of the document that is in no example, and what the document says of it.
describe('the code of docs/services.md', () => {
  const bus = new MemoryBus();
  const services = new Services({ services: [Counter, TextTools], bus });
  let address = '';

  beforeAll(async () => {
    await services.startServer({ port: 0 });
    await services.startAgent(Counter);
    address = `127.0.0.1:${services.getServerInfo().port ?? 0}`;
  });
  afterAll(async () => {
    await services.close();
    await bus.close();
  });

  it('starts and stops a function server', async () => {
    const port = 0;
    const services = new Services({ services: [Counter, TextTools], server: { host: '127.0.0.1' } });
    await services.startServer({ port });
    await services.restartServer(); // on the same port
    await services.stopServer();
    await services.close();
    expect(services.isServerRunning()).toBe(false);
  });

  it('names TLS files', async () => {
    const secured = new Services({
      server: { tls: { certFile: 'server.pem', keyFile: 'server.key', clientCaFile: 'clients-ca.pem' } },
    });
    expect(secured.getServerInfo().mode).toBe('mutual-tls');
    await expect(secured.startServer({ port: 0 })).rejects.toThrow(/tls\.\w+: cannot read \S+\.(pem|key)/);
    await secured.close();
  });

  it('starts and stops agents', async () => {
    const services = new Services({ mock: true, services: [Counter] });
    const started = jest.spyOn(services.bus, 'serve');
    const id = await services.startAgent(Counter);
    await services.startAgent(Counter, { objectId: 'visits', partitionId: 3, concurrency: 8 });
    await services.stopAgent(id);
    await services.stopAgent({ service: Counter, objectId: 'visits', partitionId: 3 });
    await services.stopAllAgents();
    expect(started).toHaveBeenCalledTimes(2);
    expect(services.listAgents()).toEqual({});
    await services.close();
  });

  it('calls methods, over gRPC and the bus', async () => {
    const counters = client(Counter, { address, bus });
    const visits = counters.object('visits');
    await visits.step(5);
    await visits.next();
    await visits.add(100);
    await visits.value();
    let balance: unknown;
    try {
      await visits.add(-1000);
    } catch (error) {
      if (!(error instanceof InvocationError) || error.appCode !== 'COUNTER_TOO_LOW') throw error;
      balance = error.details['value'];
    }
    expect(balance).toBe(105);
    const order = counters.object('orders', { idempotencyKey: 'order-4711' });
    await order.add(1);
    await order.add(1); // the first one's reply
    expect(await counters.object('orders').value()).toBe(1);
    await counters.close();
    const tools = client(TextTools, { address, timeoutMs: 2000 });
    await tools.shorten({ text: 'one two three', words: 2 });
    await tools.with({ options: { locale: 'tr' } }).upper('izmir');
    await tools.close();
  });

  it('lists dead letters, calls them again, and removes them: what failed at least once, and was no outcome', async () => {
    const full = new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', 'no more room');
    const save = jest.spyOn(services.store, 'save').mockRejectedValue(full);
    const counters = client(Counter, { bus });
    await expect(counters.object('lost').add(1)).rejects.toThrow('no more room');
    save.mockRestore();
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    for (const { id, at, reason, key, message } of await services.bus.deadLetters('example.Counter', 0)) {
      console.log(at, reason, key, message);
      const reply = await services.bus.retryDeadLetter('example.Counter', 0, id, { timeoutMs: 5000 });
      if (reply?.status !== InvocationStatus.OKAY) await services.bus.removeDeadLetter('example.Counter', 0, id);
    }
    const key = 'oprc/example.Counter/0/objects/lost/invokes/add';
    expect(log.mock.calls).toEqual([[expect.any(String), 'failed', key, 'no more room']]);
    log.mockRestore();
    expect(await services.bus.deadLetters('example.Counter', 0)).toEqual([]);
    expect(await counters.object('lost').add(1)).toBe(2);
  });

  it('shows the metrics that the document lists, and no others (B17)', async () => {
    const registry = new Registry();
    registerServicesMetrics(services, registry);
    const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
    expect(
      table('metric')
        .map(([name = '']) => name.replace(/\{.*/, ''))
        .toSorted(),
    ).toEqual(names.toSorted());
  });
});

describeWithRedis('docs/services.md, on Redis', () => {
  it('names the keys', async () => {
    const patterns = table('name')
      .map(([names = '']) => names.split(', ').map(patternOf))
      .flat();
    const redis = await RedisServer.start();
    const store = await RedisStore.open({ url: redis.url });
    const services = new Services({ services: [Counter], store });
    await services.startServer({ port: 0 });
    await services.startAgent(Counter);
    await services.startAgent(Counter, { objectId: 'visits' });
    const counters = client(Counter, { services });
    await Promise.all([1, 2, 3].map((amount) => counters.object('visits').add(amount)));
    await expect(counters.object('visits').add(-1000)).rejects.toThrow(InvocationError);
    await store.rememberReply('oprc/example.Counter/0/invokes/f', {
      ...{
        idempotencyKey: 'k',
        ttlMs: 60_000,
        reply: { status: InvocationStatus.OKAY, headers: {}, invocationId: 'x' },
      },
    });
    const asked = await createClient({ url: redis.url }).connect();
    const keys = await asked.keys('*');
    asked.destroy();
    await services.close();
    await store.close();
    await redis.close();
    expect(keys.length).toBeGreaterThan(1);
    expect(keys.filter((key) => !patterns.some((pattern) => pattern.test(key)))).toEqual([]);
  });
});

describeWithNats('docs/services.md, over NATS', () => {
  it('names the subjects and keys', async () => {
    await using nats = await NatsServer.start();
    const servers = nats.url;
    const spy = await connect({ servers });
    const subjects: string[] = [];
    spy.subscribe('>', { callback: (_error, { subject }) => void subjects.push(subject) });
    await spy.flush();
    const shared = await Nats.connect({ servers });
    const services = new Services({ services: [Counter], bus: shared.bus, store: shared.store });
    const other = await NatsBus.connect({ servers });
    await services.startAgent(Counter);
    expect(await client(Counter, { bus: other }).object('visits').add(2)).toBe(2);
    await services.close();
    await Promise.all([shared.close(), other.close()]);
    await spy.close();
    const named = table('in NATS').flatMap(([names = '']) => names.split(', '));
    const patterns = named.map((name) => {
      const source = name
        .replace(/^bucket (\S+): /, '$KV.$1.')
        .replaceAll(/[.$]/g, '\\$&')
        .replace('…', '.+')
        .replaceAll(/\{[^}]+\}/g, '.+');
      return new RegExp(`^${source}$`);
    });
    const own = subjects.filter((subject) => /^(berth|\$KV)\./.test(subject));
    expect(own.filter((subject) => subject.includes('.oprc.') || subject.startsWith('$KV')).length).toBeGreaterThan(1);
    expect(own.filter((subject) => !patterns.some((pattern) => pattern.test(subject)))).toEqual([]);
  });
});

/** A name of the table as what it matches: words in braces stand for something, those of objects are braces. */
function patternOf(name: string): RegExp {
  const source = name
    .replace('…', 'oprc/{pkg}.{cls}/{partition}')
    .replace('[/{obj}]', '({obj})?')
    .replace('{pkg.Cls/partition/objectId}', '\\{{object}\\}')
    .replace('idempotencyKey', '{key}')
    .replace('scope', '{scope}')
    .replaceAll(/\{\w+\}/g, '.+');
  return new RegExp(`^berth:${source}$`);
}
