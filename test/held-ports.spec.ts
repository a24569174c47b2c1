import { status } from '@grpc/grpc-js';
import { Cleanup, eventually, freePortRange, localService } from '@berth/testing';
import { agentIds, answer, listens, portsOf, RawAgent, testAgent, testGateway } from '@berth/testing/system';
import { AgentRegistry } from 'berth-gateway';

describe('ports that are held or static', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  const registered = async (grpcPort: number, id: string): Promise<RawAgent> =>
    cleanup.add(await RawAgent.registered(grpcPort, id), (it) => it.close());

  it('A9: a held port answers 503 with Retry-After while its agent is away, and works when it is back', async () => {
    const service = cleanup.add(await localService((_, response) => response.end('here')), (it) => it.close());
    const gateway = cleanup.add(await testGateway({ agentPorts: { holdMs: 60_000 } }), (it) => it.close());
    const first = await testAgent(gateway, service.port);
    await first.stop();
    await eventually(async () => (await agentIds(gateway)).length === 0);
    const away = await fetch(first.url);
    expect(away.status).toBe(503);
    expect(away.headers.get('retry-after')).toBe('1');
    expect(await away.json()).toMatchObject({ error: { code: 'BERTH_AGENT_UNAVAILABLE' } });
    expect((await portsOf(gateway)).used).toBe(1);
    const again = cleanup.add(await testAgent(gateway, service.port), (it) => it.stop());
    expect(again.port).toBe(first.port);
    expect(await (await fetch(again.url)).text()).toBe('here');
  });

  it('a held port is given back when the time is over', async () => {
    const gateway = cleanup.add(await testGateway({ agentPorts: { holdMs: 50 } }), (it) => it.close());
    const agent = await registered(gateway.grpcPort, 'gone');
    const { port } = await agent.welcome;
    agent.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    expect(await listens(port)).toBe(false);
  });

  it('the port that was held longest goes first when the range is empty', async () => {
    const gateway = cleanup.add(await testGateway({ agentPorts: { holdMs: 60_000 } }, 3), (it) => it.close());
    for (const id of ['stays', 'left-first', 'left-second']) await registered(gateway.grpcPort, id);
    const registry = gateway.app.get(AgentRegistry);
    const leave = async (id: string): Promise<void> => {
      const connection = registry.get(id)?.connections.all[0];
      connection?.close();
      await eventually(() => registry.get(id) === undefined);
      // Both might leave in one millisecond of the clock that decides.
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const held = (await portsOf(gateway)).leases.find(({ agent_id }) => agent_id === 'left-first');
    await leave('left-first');
    await leave('left-second');
    const late = await registered(gateway.grpcPort, 'late');
    expect((await late.welcome).port).toBe(held?.port);
    expect((await portsOf(gateway)).leases.map(({ agent_id }) => agent_id).sort()).toEqual([
      'late',
      'left-second',
      'stays',
    ]);
  });

  it('A2: nobody who is connected loses a port to a newcomer', async () => {
    const gateway = cleanup.add(await testGateway({ agentPorts: { holdMs: 60_000 } }, 1), (it) => it.close());
    const first = await registered(gateway.grpcPort, 'first');
    const late = cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close()).hello('late');
    expect((await late.status).code).toBe(status.RESOURCE_EXHAUSTED);
    const request = fetch(`http://127.0.0.1:${(await first.welcome).port}`);
    const exchange = await eventually(() => first.opened[0]);
    answer(exchange, 'still here');
    expect(await (await request).text()).toBe('still here');
  });

  it("A19: a static port is its agent's, and nobody else's", async () => {
    const inside = await freePortRange(3);
    const gateway = cleanup.add(
      await testGateway({
        http: { agentPortRange: inside },
        agentPorts: { static: { fixed: inside.start, absent: inside.end } },
      }),
      (it) => it.close(),
    );
    expect((await (await registered(gateway.grpcPort, 'other')).welcome).port).toBe(inside.start + 1);
    expect((await (await registered(gateway.grpcPort, 'fixed')).welcome).port).toBe(inside.start);
    const late = cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close()).hello('late');
    expect((await late.status).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await portsOf(gateway)).toMatchObject({ total: 1, used: 1, static_used: 1 });
  });

  it('a static port that is held does not help a newcomer, so it stays', async () => {
    const inside = await freePortRange(2);
    const gateway = cleanup.add(
      await testGateway({
        http: { agentPortRange: inside },
        agentPorts: { holdMs: 60_000, static: { fixed: inside.start } },
      }),
      (it) => it.close(),
    );
    const fixed = await registered(gateway.grpcPort, 'fixed');
    await registered(gateway.grpcPort, 'other');
    fixed.close();
    await eventually(async () => (await agentIds(gateway)).length === 1);
    const late = cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close()).hello('late');
    expect((await late.status).code).toBe(status.RESOURCE_EXHAUSTED);
    expect(await listens(inside.start)).toBe(true);
  });
});
