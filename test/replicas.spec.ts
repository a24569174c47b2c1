import { jest } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { eventually } from '@berth/testing';
import {
  answer,
  codeIn,
  listAgents,
  Load,
  namedEcho,
  Program,
  RawAgent,
  replicasOf,
  send,
  testAgent,
  type TestAgent,
  type TestGateway,
  testGateway,
  urlOf,
} from '@berth/testing/system';

jest.setTimeout(60_000);

describe('replicas: several processes that share one id', () => {
  const start = (tunnel: DeepPartial<GatewaySettings['tunnel']> = {}): Promise<TestGateway> =>
    testGateway({ tunnel: { duplicateAgents: { 'web-*': 'share' }, slowStartMs: 0, ...tunnel } });

  it('A11: all of them serve one port, evenly; an agent of another id goes by its own rule', async () => {
    await using gateway = await start({ duplicateAgent: 'reject', poolStrategy: 'roundRobin' });
    await using stack = new AsyncDisposableStack();
    const agents: RawAgent[] = [];
    for (const instanceId of ['one', 'two', 'three']) {
      const agent = stack.use(await RawAgent.registered(gateway.grpcPort, 'web-1', { instanceId }));
      agent.accept = (exchange) => {
        answer(exchange, instanceId);
        return { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };
      };
      agents.push(agent);
    }
    const ports = new Set(await Promise.all(agents.map(async ({ welcome }) => (await welcome).port)));
    expect(ports.size).toBe(1);
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'web-1', connections: 3 }]);
    const counts = new Map<string, number>();
    for (let i = 0; i < 90; i += 1) {
      const { text } = await send([...ports][0] ?? 0);
      counts.set(text, (counts.get(text) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ one: 30, two: 30, three: 30 });

    stack.use(await RawAgent.registered(gateway.grpcPort, 'db', { instanceId: 'one' }));
    using second = new RawAgent(gateway.grpcPort).hello('db', { instanceId: 'two' });
    expect((await second.status).code).toBe(status.ALREADY_EXISTS);
  });

  it('C17: connections are counted for each replica, and replicas for each agent', async () => {
    await using gateway = await start({ maxConnectionsPerAgent: 2, maxReplicasPerAgent: 2 });
    await using stack = new AsyncDisposableStack();
    const come = (instanceId: string): RawAgent =>
      stack.use(new RawAgent(gateway.grpcPort).hello('web-1', { instanceId }));
    for (const instanceId of ['one', 'one', 'two', 'two']) await come(instanceId).welcome;
    const [third, other] = [come('two'), come('three')];
    expect((await third.status).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(third.refused?.message).toBe(
      'a replica of agent web-1 has 2 connections already (tunnel.maxConnectionsPerAgent)',
    );
    await other.status;
    expect(other.refused).toMatchObject({
      code: 'BERTH_TOO_MANY_CONNECTIONS',
      message: 'agent web-1 has 2 replicas already (tunnel.maxReplicasPerAgent)',
    });
  });

  it('A11: four of them are replaced one after the other under load: no request fails, none is done twice', async () => {
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    const seen = new Map<string, number>();
    const agents: TestAgent[] = [];
    const come = async (name: string): Promise<TestAgent> => {
      const service = stack.use(await namedEcho(name, seen));
      return stack.use(await testAgent(gateway, service.port, { id: 'web-1', shutdown: { timeoutMs: 10_000 } }));
    };
    for (const name of ['a', 'b', 'c', 'd']) agents.push(await come(name));
    await using load = new Load(agents[0]?.port ?? 0, 12);
    for (const [i, agent] of agents.entries()) {
      const before = load.answered;
      await eventually(() => load.answered >= before + 400, 20_000);
      await come(`new ${i}`);
      await agent.stop();
    }
    const before = load.answered;
    await eventually(() => load.answered >= before + 400, 20_000);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThanOrEqual(2000);
    expect(seen.size).toBe(load.answered);
    expect([...seen].filter(([, times]) => times > 1)).toEqual([]);
    expect(await replicasOf(gateway, 'web-1')).toHaveLength(4);
  });

  it('A12: one that is killed fails what was under way on it and cannot be repeated, and nothing else', async () => {
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    const seen = new Map<string, number>();
    const lost = stack.use(await namedEcho('lost', seen, { ms: 30 }));
    const victim = stack.use(
      new Program('agent', [`${lost.port}`, '--id', 'web-1', '--gateway', `127.0.0.1:${gateway.grpcPort}`]),
    );
    await urlOf(victim);
    const kept = stack.use(await namedEcho('kept', seen, { ms: 30 }));
    const { port } = stack.use(await testAgent(gateway, kept.port, { id: 'web-1' }));
    await using load = new Load(port, 12);
    await eventually(() => lost.calls.count > 50 && kept.calls.count > 50, 20_000);
    victim.kill('SIGKILL');
    await victim.exit;
    const before = load.answered;
    await eventually(() => load.answered >= before + 200, 20_000);
    await load.stop();
    // Each client has one request under way.
    expect(load.failures.length).toBeLessThanOrEqual(12);
    for (const { key, status: code, text } of load.failures) {
      expect([key.slice(0, 4), code, codeIn(text)]).toEqual(['POST', 502, 'BERTH_AGENT_LOST']);
    }
    const twice = [...seen].filter(([, times]) => times > 1).map(([key]) => key);
    expect(twice.filter((key) => key.startsWith('POST'))).toEqual([]);
    await eventually(async () => (await replicasOf(gateway, 'web-1')).length === 1);
  });

  it('C2: one that answers slowly gets less than a fifth of what each of the others gets', async () => {
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    const seen = new Map<string, number>();
    const services = [];
    let port = 0;
    for (const [name, ms] of [
      ['fast', 5],
      ['quick', 5],
      ['slow', 100],
    ] as const) {
      const service = stack.use(await namedEcho(name, seen, { ms }));
      services.push(service);
      ({ port } = stack.use(await testAgent(gateway, service.port, { id: 'web-1' })));
    }
    await using load = new Load(port, 8);
    await eventually(() => load.answered >= 600, 20_000);
    await load.stop();
    expect(load.failures).toEqual([]);
    const [fast = 0, quick = 0, slow = 0] = services.map(({ calls }) => calls.count);
    expect(slow).toBeGreaterThan(0);
    expect(slow).toBeLessThan(Math.min(fast, quick) / 5);
  });

  it('C6: one whose service is down gets next to nothing, and is unhealthy with the reason', async () => {
    await using gateway = await start({ poolStrategy: 'roundRobin' });
    await using stack = new AsyncDisposableStack();
    const seen = new Map<string, number>();
    const service = stack.use(await namedEcho('good', seen));
    const { port } = stack.use(await testAgent(gateway, service.port, { id: 'web-1' }));
    stack.use(await testAgent(gateway, 1, { id: 'web-1' }));
    await using load = new Load(port, 4);
    await eventually(() => load.answered >= 300, 20_000);
    await load.stop();
    // Three in a row, and what was on its way there meanwhile.
    expect(load.failures.length).toBeGreaterThan(0);
    expect(load.failures.length).toBeLessThanOrEqual(3 + 3);
    expect(await replicasOf(gateway, 'web-1')).toMatchObject([
      { state: 'healthy', state_reason: '' },
      { state: 'unhealthy', state_reason: expect.stringMatching(/^\d failures in a row$/) },
    ]);
  });

  it('C13: an outlier is taken out for a while, and comes back', async () => {
    const outliers = { minRequests: 5, latencyFloorMs: 20, ejectMs: 500 };
    await using gateway = await start({ poolStrategy: 'roundRobin', outliers });
    await using stack = new AsyncDisposableStack();
    const seen = new Map<string, number>();
    const fast = stack.use(await namedEcho('fast', seen));
    const { port } = stack.use(await testAgent(gateway, fast.port, { id: 'web-1' }));
    const slow = stack.use(await namedEcho('slow', seen, { ms: 150 }));
    stack.use(await testAgent(gateway, slow.port, { id: 'web-1' }));
    await using load = new Load(port, 4);
    const stateOf = async () => (await replicasOf(gateway, 'web-1')).at(-1);
    const out = await eventually(async () => {
      const shown = await stateOf();
      return shown?.state === 'unhealthy' ? shown : undefined;
    }, 20_000);
    expect(out.state_reason).toMatch(/^outlier: \d+ ms, where others take \d+ ms$/);
    await eventually(async () => (await stateOf())?.state === 'healthy', 20_000);
    await load.stop();
    expect(load.failures).toEqual([]);
  });
});
