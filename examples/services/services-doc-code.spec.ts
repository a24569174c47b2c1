import { jest } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { createClient } from '@redis/client';
import { Registry } from 'prom-client';
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
import { tableRows } from '@berth/testing/system';
import { Counter } from './counter.js';
import { TextTools } from './text-tools.js';

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
      tableRows('docs/services.md', 'metric')
        .map(([name = '']) => name.replace(/\{.*/, ''))
        .toSorted(),
    ).toEqual(names.toSorted());
  });
});

describeWithRedis('docs/services.md, on Redis', () => {
  it('names the keys', async () => {
    const patterns = tableRows('docs/services.md', 'name')
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
    const named = tableRows('docs/services.md', 'in NATS').flatMap(([names = '']) => names.split(', '));
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
