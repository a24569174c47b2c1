import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { client, NatsBus, Services } from 'berth-services';
import { describeWithNats, NatsServer } from '@berth/testing';
import { Child } from '../quick-start/child.js';
import { Counter } from './counter.js';
import { TextTools } from './text-tools.js';

/** Printed when all calls have been shown; the group is the address. */
const READY = /Function server at (\S+),[\s\S]*Ctrl-C ends everything/;
const MAIN = fileURLToPath(new URL('../dist/services/main.js', import.meta.url));

describe('the services of the example, in mock mode (B15)', () => {
  let services: Services;

  beforeEach(async () => {
    services = new Services({ mock: true, services: [Counter, TextTools] });
    await services.startServer();
    await services.startAgent(Counter);
  });
  afterEach(() => services.close());

  it('shortens a text', async () => {
    const tools = client(TextTools, { services });
    expect(await tools.shorten({ text: 'one two  three', words: 2 })).toEqual({ text: 'one two…', dropped: 1 });
    expect(await tools.shorten({ text: 'one', words: 2, ellipsis: ' etc' })).toEqual({ text: 'one', dropped: 0 });
    expect(await tools.with({ options: { locale: 'tr' } }).upper('izmir')).toBe('İZMİR');
  });

  it('refuses an input against the rules of its class', async () => {
    const tools = client(TextTools, { services });
    await expect(tools.shorten({ text: 'one', words: 0 })).rejects.toMatchObject({
      status: 'INVALID_REQUEST',
      code: 'BERTH_SERVICE_BAD_PAYLOAD',
      message: expect.stringContaining('words must not be less than 1'),
    });
  });

  it('keeps a state for each counter, whoever serves the call', async () => {
    const counters = client(Counter, { services });
    const [visits, orders] = [counters.object('visits'), counters.object(7n)];
    await visits.step(5);
    expect([await visits.next(), await visits.add(100), await visits.value()]).toEqual([5, 105, 105]);
    expect(await orders.value()).toBe(0);
  });

  it('says what a counter refuses, and changes nothing', async () => {
    const visits = client(Counter, { services }).object('visits');
    await expect(visits.add(-1)).rejects.toMatchObject({
      status: 'APP_ERROR',
      appCode: 'COUNTER_TOO_LOW',
      details: { value: 0 },
    });
    expect(await visits.value()).toBe(0);
  });

  it('adds once for one idempotency key', async () => {
    const visits = client(Counter, { services }).object('visits', { idempotencyKey: 'order-1' });
    expect([await visits.add(3), await visits.add(3), await visits.value()]).toEqual([3, 3, 3]);
  });
});

describe('npm run services', () => {
  const children: Child[] = [];
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.splice(0).map(({ ended }) => ended));
  });

  function start(...args: string[]): Child {
    const child = new Child('services', MAIN, args, {}, true);
    children.push(child);
    return child;
  }

  /** @returns address and all that it printed before it was ready */
  async function ready(child: Child): Promise<{ address: string; printed: string }> {
    const [address, printed] = await Promise.all([
      child.find(/Function server at (\S+),/),
      child.find(/^([\s\S]*)Ctrl-C ends everything/),
    ]);
    return { address, printed };
  }

  it('shows calls, answers clients, and ends with Ctrl-C', async () => {
    const child = start('--port', '0');
    const { address, printed } = await ready(child);
    expect(printed).toContain("{ text: 'an object agent…', dropped: 6 }");
    expect(printed).toContain('INVALID_REQUEST BERTH_SERVICE_BAD_PAYLOAD');
    expect(printed).toContain('APP_ERROR COUNTER_TOO_LOW: counter visits has only 105');
    await using tools = client(TextTools, { address });
    expect(await tools.upper('grüße')).toBe('GRÜSSE');
    await using counters = client(Counter, { address });
    expect(await counters.object('visits').next()).toBe(111);
    // As from a terminal, where npm passes on what the process has had already.
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await child.ended).toEqual({ code: 0, signal: null });
  });

  it('says in one line that its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const child = start('--port', String(port));
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.lastLines).toEqual([expect.stringContaining(`port ${port} is taken`)]);
    other.close();
  });

  it('refuses a port that is none', async () => {
    const child = start('--port', 'x');
    expect(await child.ended).toEqual({ code: 1, signal: null });
    expect(child.lastLines).toEqual([expect.stringContaining('port')]);
  });
});

describeWithNats('npm run services, twice with one NATS', () => {
  it('shares objects and calls, and one is enough', async () => {
    const nats = await NatsServer.start();
    const start = (): Child => new Child('services', MAIN, ['--port', '0', '--nats', nats.url], {}, true);
    const children = [start(), start()] as const;
    // At once: what is printed before is not looked at.
    const ready = Promise.all(children.map((child) => child.find(READY)));
    const bus = await NatsBus.connect({ servers: nats.url });
    try {
      const [first, second] = await ready;
      await using one = client(Counter, { address: first ?? '', bus });
      await using two = client(Counter, { address: second ?? '', bus });
      await one.object('shared').step(2);
      expect([await one.object('shared').next(), await two.object('shared').next()]).toEqual([2, 4]);
      const workers = async (): Promise<Set<string>> =>
        new Set(await Promise.all(Array.from({ length: 8 }, () => one.servedBy())));
      expect((await workers()).size).toBe(2);
      children[0].kill('SIGINT');
      expect(await children[0].ended).toEqual({ code: 0, signal: null });
      expect((await workers()).size).toBe(1);
      expect(await two.object('shared').add(1)).toBe(5);
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(children.map(({ ended }) => ended));
      await bus.close();
      await nats.close();
    }
  }, 60_000);
});
