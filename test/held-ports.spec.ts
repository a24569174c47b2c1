import { status } from '@grpc/grpc-js';
import { eventually, freePortRange, localService } from '@berth/testing';
import { agentIds, answer, listens, portsOf, RawAgent, testAgent, testGateway } from '@berth/testing/system';
import { AgentRegistry } from 'berth-gateway';

describe('ports that are held or static', () => {
  const registered = async (grpcPort: number, id: string): Promise<RawAgent> => await RawAgent.registered(grpcPort, id);

  it('A9: a held port answers 503 with Retry-After while its agent is away, and works when it is back', async () => {
    await using service = await localService((_, response) => response.end('here'));
    await using gateway = await testGateway({ agentPorts: { holdMs: 60_000 } });
    const first = await testAgent(gateway, service.port);
    await first.stop();
    await eventually(async () => (await agentIds(gateway)).length === 0);
    const away = await fetch(first.url);
    expect(away.status).toBe(503);
    expect(away.headers.get('retry-after')).toBe('1');
    expect(await away.json()).toMatchObject({ error: { code: 'BERTH_AGENT_UNAVAILABLE' } });
    expect((await portsOf(gateway)).used).toBe(1);
    await using again = await testAgent(gateway, service.port);
    expect(again.port).toBe(first.port);
    expect(await (await fetch(again.url)).text()).toBe('here');
  });

  it('a held port is given back when the time is over', async () => {
    await using gateway = await testGateway({ agentPorts: { holdMs: 50 } });
    using agent = await registered(gateway.grpcPort, 'gone');
    const { port } = await agent.welcome;
    agent.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    expect(await listens(port)).toBe(false);
  });

  it('the port that was held longest goes first when the range is empty', async () => {
    await using gateway = await testGateway({ agentPorts: { holdMs: 60_000 } }, 3);
    await using stack = new AsyncDisposableStack();
    for (const id of ['stays', 'left-first', 'left-second']) stack.use(await registered(gateway.grpcPort, id));
    const registry = gateway.app.get(AgentRegistry);
    const leave = async (id: string): Promise<void> => {
      const connection = registry.get(id)?.connections[0];
      connection?.close();
      await eventually(() => registry.get(id) === undefined);
      // Both might leave in one millisecond of the clock that decides.
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const held = (await portsOf(gateway)).leases.find(({ agent_id }) => agent_id === 'left-first');
    await leave('left-first');
    await leave('left-second');
    using late = await registered(gateway.grpcPort, 'late');
    expect((await late.welcome).port).toBe(held?.port);
    expect((await portsOf(gateway)).leases.map(({ agent_id }) => agent_id).sort()).toEqual([
      'late',
      'left-second',
      'stays',
    ]);
  });

  it('A2: nobody who is connected loses a port to a newcomer', async () => {
    await using gateway = await testGateway({ agentPorts: { holdMs: 60_000 } }, 1);
    using first = await registered(gateway.grpcPort, 'first');
    using late = new RawAgent(gateway.grpcPort).hello('late');
    expect((await late.status).code).toBe(status.RESOURCE_EXHAUSTED);
    const request = fetch(`http://127.0.0.1:${(await first.welcome).port}`);
    const exchange = await eventually(() => first.opened[0]);
    answer(exchange, 'still here');
    expect(await (await request).text()).toBe('still here');
  });

  it("A19: a static port is its agent's, and nobody else's", async () => {
    const inside = await freePortRange(3);
    await using gateway = await testGateway({
      http: { agentPortRange: inside },
      agentPorts: { static: { fixed: inside.start, absent: inside.end } },
    });
    await using stack = new AsyncDisposableStack();
    expect((await stack.use(await registered(gateway.grpcPort, 'other')).welcome).port).toBe(inside.start + 1);
    expect((await stack.use(await registered(gateway.grpcPort, 'fixed')).welcome).port).toBe(inside.start);
    using late = new RawAgent(gateway.grpcPort).hello('late');
    expect((await late.status).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await portsOf(gateway)).toMatchObject({ total: 1, used: 1, static_used: 1 });
  });

  it('a static port that is held does not help a newcomer, so it stays', async () => {
    const inside = await freePortRange(2);
    await using gateway = await testGateway({
      http: { agentPortRange: inside },
      agentPorts: { holdMs: 60_000, static: { fixed: inside.start } },
    });
    using fixed = await registered(gateway.grpcPort, 'fixed');
    await using stack = new AsyncDisposableStack();
    stack.use(await registered(gateway.grpcPort, 'other'));
    fixed.close();
    await eventually(async () => (await agentIds(gateway)).length === 1);
    using late = new RawAgent(gateway.grpcPort).hello('late');
    expect((await late.status).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await listens(inside.start)).toBe(true);
  });
});
