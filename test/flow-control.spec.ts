import type { DeepPartial } from '@berth/config';
import { HealthCode } from '@berth/tunnel-protocol';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, owning } from '@berth/testing';
import {
  answer,
  codeIn,
  RawAgent,
  replicasOf,
  send,
  start,
  finish,
  headOf,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';

interface Setup extends AsyncDisposable {
  gateway: TestGateway;
  agent: RawAgent;
  port: number;
  /** what has been opened and not been answered */
  paths: () => string[];
  /** answers the oldest with its path */
  answerNext: () => void;
}

/** A gateway and an agent by hand, which answers nothing by itself. */
async function setUp(
  admission: DeepPartial<GatewaySettings['tunnel']['admission']> = {},
  maxExchanges = 16,
): Promise<Setup> {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await testGateway({ tunnel: { admission } }));
  const agent = stack.use(
    await RawAgent.registered(gateway.grpcPort, 'a', { limits: { maxExchanges, initialWindowBytes: 262_144 } }),
  );
  const { port } = await agent.welcome;
  const waiting = (): RawAgent['opened'] => agent.opened.filter(({ closed }) => !closed);
  const paths = (): string[] => waiting().map(({ openHead }) => openHead.target);
  const answerNext = (): void => {
    const [next] = waiting();
    if (next === undefined) throw new Error('nothing has been opened');
    answer(next, next.openHead.target);
  };
  return owning({ gateway, agent, port, paths, answerNext }, stack);
}

const stateOf = async (gateway: TestGateway): Promise<string | undefined> => (await replicasOf(gateway, 'a'))[0]?.state;

describe('an agent that asks for a pause (C7)', () => {
  it('fail closed: 503 with Retry-After until it resumes; what runs goes on', async () => {
    await using setup = await setUp();
    const { gateway, agent, port, paths, answerNext } = setup;
    const running = send(port, { path: '/running' });
    await eventually(() => paths().length === 1);
    agent.session.hold(true);
    await eventually(async () => (await stateOf(gateway)) === 'paused');
    const refused = await send(port);
    expect([refused.status, codeIn(refused.text), refused.headers['retry-after']]).toEqual([
      503,
      'BERTH_AGENT_BUSY',
      '1',
    ]);
    answerNext();
    expect((await running).text).toBe('/running');
    agent.session.hold(false);
    await eventually(async () => (await stateOf(gateway)) === 'healthy');
    const next = send(port, { path: '/next' });
    await eventually(() => paths().length === 1);
    answerNext();
    expect((await next).text).toBe('/next');
  });

  it('fail open: requests are sent all the same', async () => {
    await using setup = await setUp({ whenPaused: 'failOpen' });
    const { gateway, agent, port, paths, answerNext } = setup;
    agent.session.hold(true);
    await eventually(async () => (await stateOf(gateway)) === 'paused');
    const asked = send(port, { path: '/all-the-same' });
    await eventually(() => paths().length === 1);
    answerNext();
    expect((await asked).text).toBe('/all-the-same');
  });

  it('wait and retry: a request waits for the end of the pause, and for no longer than it is allowed to', async () => {
    await using setup = await setUp({ whenPaused: 'waitAndRetry', pauseWaitMs: 60_000 });
    const { gateway, agent, port, paths, answerNext } = setup;
    agent.session.hold(true);
    await eventually(async () => (await stateOf(gateway)) === 'paused');
    const asked = send(port, { path: '/later' });
    await eventually(async () => (await waitingAt(gateway)) === 1);
    expect(paths()).toEqual([]);
    agent.session.hold(false);
    await eventually(() => paths().length === 1);
    answerNext();
    expect((await asked).text).toBe('/later');

    await using impatient = await setUp({ whenPaused: 'waitAndRetry', pauseWaitMs: 50 });
    impatient.agent.session.hold(true);
    await eventually(async () => (await stateOf(impatient.gateway)) === 'paused');
    const refused = await send(impatient.port);
    expect([refused.status, codeIn(refused.text)]).toEqual([503, 'BERTH_AGENT_BUSY']);
  });

  it('one exchange: its body stands still until the agent wants it again, and arrives whole', async () => {
    await using setup = await setUp();
    const { agent, port } = setup;
    let received = 0;
    agent.accept = (exchange) => ({
      data: (bytes) => {
        received += bytes.length;
        exchange.consumed(bytes.length);
      },
      end: () => {
        answer(exchange, String(received));
      },
      failed: () => undefined,
      writable: () => undefined,
    });
    const body = Buffer.alloc(2_000_000, 7);
    const outgoing = start(port, { method: 'POST', headers: { 'content-length': String(body.length) } });
    outgoing.write(body.subarray(0, 10));
    await eventually(() => received === 10);
    const [exchange] = agent.opened;
    agent.session.hold(true, exchange);
    // What is answered behind the Pause shows that the gateway has taken it; and others pass.
    const beside = (): Promise<string> => send(port, { method: 'POST', body: 'x' }).then(({ text }) => text);
    expect(await beside()).toBe('11');
    outgoing.end(body.subarray(10));
    for (let i = 12; i < 20; i += 1) expect(await beside()).toBe(String(i));
    expect(exchange?.closed).toBe(false);
    agent.session.hold(false, exchange);
    expect((await finish(await headOf(outgoing))).text).toBe(String(body.length + 9));
  });
});

describe('an agent that takes few exchanges at a time (C10)', () => {
  it('one more waits until another has ended, and is not refused', async () => {
    await using setup = await setUp({}, 1);
    const { port, paths, answerNext } = setup;
    const answers = ['/1', '/2', '/3'].map((path) => send(port, { path }));
    for (let i = 0; i < 3; i += 1) {
      await eventually(() => paths().length === 1);
      answerNext();
    }
    expect((await Promise.all(answers)).map(({ text }) => text).sort()).toEqual(['/1', '/2', '/3']);
  });

  it('each client address has its turn, however many of another wait', async () => {
    await using setup = await setUp({}, 1);
    const { port, paths, answerNext } = setup;
    const first = send(port, { path: '/first' });
    await eventually(() => paths().length === 1);
    const greedy = Array.from({ length: 5 }, (_, i) => send(port, { path: `/greedy/${i}` }));
    await eventually(async () => (await waitingAt(setup.gateway)) === 5);
    const modest = send(port, { path: '/modest', localAddress: '127.0.0.2' });
    await eventually(async () => (await waitingAt(setup.gateway)) === 6);
    const order: string[] = [];
    for (let i = 0; i < 7; i += 1) {
      await eventually(() => paths().length === 1);
      order.push(...paths());
      answerNext();
    }
    await Promise.all([first, modest, ...greedy]);
    expect(order.slice(0, 3)).toEqual(['/first', '/greedy/0', '/modest']);
  });

  it('Capacity 0 for ever: as many wait as may, no longer than they may; who leaves makes room; others notice nothing', async () => {
    await using setup = await setUp({ maxWaiting: 2, maxWaitMs: 300 });
    const { gateway, agent, port, paths } = setup;
    using other = await RawAgent.registered(gateway.grpcPort, 'b');
    other.accept = (exchange) => {
      answer(exchange, 'b');
      return { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };
    };
    agent.session.tell('capacity', { maxExchanges: 0 });
    await eventually(async () => (await capacityOf(gateway)) === 0);
    const leaving = start(port, {}).on('error', () => undefined);
    leaving.end();
    await eventually(async () => (await waitingAt(gateway)) === 1);
    leaving.destroy();
    await eventually(async () => (await waitingAt(gateway)) === 0);
    const waiting = [send(port), send(port)];
    await eventually(async () => (await waitingAt(gateway)) === 2);
    const began = performance.now();
    const refused = await send(port);
    expect([refused.status, codeIn(refused.text), refused.headers['retry-after']]).toEqual([
      503,
      'BERTH_AGENT_BUSY',
      '1',
    ]);
    expect(performance.now() - began).toBeLessThan(300);
    expect((await send((await other.welcome).port)).text).toBe('b');
    for (const { status, text } of await Promise.all(waiting)) {
      expect([status, codeIn(text)]).toEqual([503, 'BERTH_AGENT_BUSY']);
    }
    expect(paths()).toEqual([]);
    agent.session.tell('capacity', { maxExchanges: 1 });
    const asked = send(port, { path: '/again' });
    await eventually(() => paths().length === 1);
    setup.answerNext();
    expect((await asked).text).toBe('/again');
  });

  it('who waits is told at once when the agent goes, and when the gateway does', async () => {
    await using gone = await setUp({ maxWaitMs: 60_000 }, 1);
    const both = [send(gone.port), send(gone.port)];
    await eventually(async () => (await waitingAt(gone.gateway)) === 1);
    gone.agent.close();
    const codes = (await Promise.all(both)).map(({ text }) => codeIn(text)).sort();
    expect(codes).toEqual(['BERTH_AGENT_LOST', 'BERTH_AGENT_UNAVAILABLE']);

    await using closing = await setUp({ maxWaitMs: 60_000 }, 1);
    const running = send(closing.port, { path: '/running' });
    await eventually(() => closing.paths().length === 1);
    const waiting = send(closing.port);
    await eventually(async () => (await waitingAt(closing.gateway)) === 1);
    const closed = closing.gateway.close();
    expect(codeIn((await waiting).text)).toBe('BERTH_DRAINING');
    closing.answerNext();
    expect((await running).text).toBe('/running');
    await closed;
  });
});

describe('a flood of what an agent says of itself', () => {
  it('leaves others alone, and the last word counts', async () => {
    await using setup = await setUp();
    const { gateway, agent, port, paths } = setup;
    using other = await RawAgent.registered(gateway.grpcPort, 'b');
    other.accept = (exchange) => {
      answer(exchange, 'b');
      return { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };
    };
    const { port: otherPort } = await other.welcome;
    for (let round = 0; round < 20; round += 1) {
      for (let i = 0; i < 500; i += 1) {
        agent.session.hold(true);
        agent.session.hold(false);
        agent.session.tell('capacity', { maxExchanges: i % 3 });
        agent.session.tell('health', {
          state: i % 2 === 0 ? HealthCode.unhealthy : HealthCode.healthy,
          message: `${i}`,
          service: '',
        });
      }
      expect((await send(otherPort)).text).toBe('b');
    }
    agent.session.tell('capacity', { maxExchanges: 4 });
    await eventually(async () => (await capacityOf(gateway)) === 4);
    expect(await stateOf(gateway)).toBe('healthy');
    const asked = send(port, { path: '/still' });
    await eventually(() => paths().length === 1);
    setup.answerNext();
    expect((await asked).text).toBe('/still');
  });
});

/** Requests that wait for room, as `GET /agents/a` says. */
async function waitingAt(gateway: TestGateway): Promise<number> {
  return ((await (await fetch(`${gateway.admin}/agents/a`)).json()) as { waiting: number }).waiting;
}

async function capacityOf(gateway: TestGateway): Promise<number | undefined> {
  const agent = (await (await fetch(`${gateway.admin}/agents/a`)).json()) as {
    connection_list: { capacity: number }[];
  };
  return agent.connection_list[0]?.capacity;
}
