import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoawayReason } from '@berth/tunnel-protocol';
import { Cleanup, eventually, type LocalService, localService } from '@berth/testing';
import {
  agentIds,
  answer,
  listAgents,
  portsOf,
  RawAgent,
  testAgent,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';
import { AgentRegistry } from 'berth-gateway';

describe('an agent reconnects', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  const start = async (...args: Parameters<typeof testGateway>): Promise<TestGateway> =>
    cleanup.add(await testGateway(...args), (it) => it.close());
  const echo = async (): Promise<LocalService> =>
    cleanup.add(await localService((request, response) => request.pipe(response)), (it) => it.close());
  const connections = (gateway: TestGateway) => gateway.app.get(AgentRegistry).get('agent-1')?.connections.all ?? [];

  it('returns to its port after a restart of the gateway', async () => {
    const service = await echo();
    const before = await testGateway();
    const agent = cleanup.add(await testAgent(before, service.port), (it) => it.stop());
    const lost = once(agent.client, 'lost');
    await before.close();
    await lost;
    const again = once(agent.client, 'ready');
    const after = await start({ grpc: { port: before.grpcPort }, http: { agentPortRange: before.range } });
    const [address] = (await again) as [{ port: number }];
    expect(address.port).toBe(agent.port);
    expect(await agentIds(after)).toEqual(['agent-1']);
    expect(await (await fetch(agent.url, { method: 'POST', body: 'again' })).text()).toBe('again');
  });

  it('A13: DELETE /agents/:id disconnects it, and it comes back to its port', async () => {
    const gateway = await start();
    const agent = cleanup.add(await testAgent(gateway, (await echo()).port), (it) => it.stop());
    const [before] = connections(gateway);
    expect((await fetch(`${gateway.admin}/agents/agent-1`, { method: 'DELETE' })).status).toBe(204);
    await eventually(() => connections(gateway)[0] !== undefined && connections(gateway)[0] !== before);
    expect(before?.closed).toBe(true);
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'agent-1', port: agent.port }]);
    expect((await fetch(`${gateway.admin}/agents/nobody`, { method: 'DELETE' })).status).toBe(404);
  });

  it('issue 8, D28: DELETE /agents/:id lets what is under way end, on a connection that takes nothing new', async () => {
    let finish: (() => void) | undefined;
    const service = cleanup.add(
      await localService((request, response) => {
        if (request.url === '/quick') return response.end('quick');
        response.write('begun ');
        return (finish = () => response.end('and done'));
      }),
      (it) => it.close(),
    );
    const gateway = await start();
    const agent = cleanup.add(await testAgent(gateway, service.port), (it) => it.stop());
    const long = await fetch(agent.url);
    const [before] = connections(gateway);
    expect((await fetch(`${gateway.admin}/agents/agent-1`, { method: 'DELETE' })).status).toBe(204);
    // Until its successor stands the connection serves on: nobody is sent away.
    expect(await (await fetch(`${agent.url}/quick`)).text()).toBe('quick');
    await eventually(() => connections(gateway).some((it) => it !== before && it.accepting));
    expect(before?.closed).toBe(false);
    finish?.();
    expect(await long.text()).toBe('begun and done');
    await eventually(() => before?.closed);
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'agent-1', port: agent.port, connections: 1 }]);
  });

  it('issue 8, D28: DELETE /agents/:id?now=true cuts off what is under way; anything else is refused', async () => {
    const service = cleanup.add(await localService((_, response) => response.write('begun')), (it) => it.close());
    const gateway = await start();
    const agent = cleanup.add(await testAgent(gateway, service.port), (it) => it.stop());
    const long = await fetch(agent.url);
    const remove = async (query: string): Promise<number> =>
      (await fetch(`${gateway.admin}/agents/agent-1?${query}`, { method: 'DELETE' })).status;
    expect([await remove('now=1'), await remove('now=true&now=true')]).toEqual([400, 400]);
    expect(await remove('now=true')).toBe(204);
    await expect(long.text()).rejects.toThrow();
    await eventually(() => connections(gateway)[0]?.accepting);
  });

  it('issue 8, D28: an agent that does not leave is cut off after drainTimeoutMs, asked once or twice', async () => {
    const gateway = await start({ tunnel: { drainTimeoutMs: 200 } });
    const stubborn = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'agent-1'), (it) => it.close());
    const since = performance.now();
    const remove = (): Promise<unknown> => fetch(`${gateway.admin}/agents/agent-1`, { method: 'DELETE' });
    await remove();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await remove();
    await stubborn.status;
    expect(stubborn.goaways).toMatchObject([{ reason: GoawayReason.disconnected, deadlineMs: 200, reconnect: true }]);
    expect(performance.now() - since).toBeGreaterThanOrEqual(199);
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('with several connections spreads exchanges, and lives on when one of them dies', async () => {
    const gateway = await start();
    const agent = cleanup.add(await testAgent(gateway, (await echo()).port, { connections: 4 }), (it) => it.stop());
    await eventually(() => connections(gateway).length === 4);
    const used = new Set<string>();
    for (const connection of connections(gateway)) {
      const open = connection.open.bind(connection);
      connection.open = (...args) => {
        used.add(connection.id);
        return open(...args);
      };
    }
    const post = async (i: number): Promise<string> =>
      (await fetch(agent.url, { method: 'POST', body: `n${i}` })).text();
    await Promise.all(Array.from({ length: 16 }, (_, i) => post(i)));
    expect(used.size).toBe(4);
    const [victim] = connections(gateway);
    victim?.close();
    expect(await Promise.all(Array.from({ length: 16 }, (_, i) => post(i)))).toContain('n15');
    await eventually(() => connections(gateway).length === 4 && !connections(gateway).includes(victim as never));
    expect(agent.port).toBe((await listAgents(gateway))[0]?.port);
  });

  it('makes its next connection before it breaks one that the gateway asks it to leave, and loses no request', async () => {
    const gateway = await start();
    const agent = cleanup.add(await testAgent(gateway, (await echo()).port), (it) => it.stop());
    let goOn = true;
    let requests = 0;
    const bad: string[] = [];
    const loop = async (): Promise<void> => {
      while (goOn) {
        const response = await fetch(agent.url, { method: 'POST', body: 'body' });
        const text = await response.text();
        if (text !== 'body') bad.push(`${response.status} ${text}`);
        requests += 1;
      }
    };
    const loops = Array.from({ length: 4 }, loop);
    for (let round = 0; round < 10; round += 1) {
      const [connection] = connections(gateway).filter(({ draining }) => !draining);
      connection?.drain('idExhausted', 10_000, true);
      await eventually(() => connection?.closed);
      expect(connections(gateway)).not.toContain(connection);
    }
    goOn = false;
    await Promise.all(loops);
    expect(bad).toEqual([]);
    expect(requests).toBeGreaterThan(10);
    expect(connections(gateway)).toHaveLength(1);
  });

  it('lets a long answer run out on the connection that it leaves', async () => {
    let finish: (() => void) | undefined;
    const service = cleanup.add(
      await localService((_, response) => {
        response.write('begun ');
        finish = () => response.end('and done');
      }),
      (it) => it.close(),
    );
    const gateway = await start();
    const agent = cleanup.add(await testAgent(gateway, service.port), (it) => it.stop());
    const response = await fetch(agent.url);
    const [old] = connections(gateway);
    old?.drain('idExhausted', 10_000, true);
    await eventually(() => connections(gateway).length === 2);
    expect(old?.closed).toBe(false);
    finish?.();
    expect(await response.text()).toBe('begun and done');
    await eventually(() => old?.closed);
    expect(connections(gateway)).toHaveLength(1);
  });

  it('may exceed its limit of connections for the one that makes way', async () => {
    const gateway = await start({ tunnel: { maxConnectionsPerAgent: 1 } });
    cleanup.add(await testAgent(gateway, (await echo()).port), (it) => it.stop());
    const [old] = connections(gateway);
    old?.drain('idExhausted', 10_000, true);
    await eventually(() => old?.closed);
    expect(connections(gateway)).toHaveLength(1);
  });

  it('is cut off when it does not leave within the deadline of a Goaway', async () => {
    const gateway = await start();
    const stubborn = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'agent-1'), (it) => it.close());
    const pending = fetch(`http://127.0.0.1:${(await stubborn.welcome).port}`, { method: 'POST', body: 'x' });
    await eventually(() => stubborn.opened[0]);
    connections(gateway)[0]?.drain('idExhausted', 50, true);
    expect((await pending).status).toBe(502);
    await stubborn.status;
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('is served on a connection that waits for its successor, while no other can', async () => {
    const gateway = await start();
    const agent = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'agent-1'), (it) => it.close());
    connections(gateway)[0]?.drain('idExhausted', 10_000, true);
    const request = fetch(`http://127.0.0.1:${(await agent.welcome).port}`);
    answer(await eventually(() => agent.opened[0]), 'still');
    expect(await (await request).text()).toBe('still');
  });

  it('A3: one that dies and is there again in the same moment keeps its port', async () => {
    const gateway = await start();
    const first = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'agent-1'), (it) => it.close());
    await cleanup.add(await RawAgent.registered(gateway.grpcPort, 'other'), (it) => it.close()).welcome;
    const { port } = await first.welcome;
    const registry = gateway.app.get(AgentRegistry);
    const [old] = connections(gateway);
    const second = cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close());
    // In one turn: the old connection ends, and the new one registers.
    const register = registry.register.bind(registry);
    registry.register = (...args) => {
      old?.close();
      return register(...args);
    };
    second.hello('agent-1');
    expect((await second.welcome).port).toBe(port);
    expect((await portsOf(gateway)).used).toBe(2);
  });

  it('reaches a service on a unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-'));
    cleanup.add(folder, (it) => rm(it, { recursive: true }));
    const path = join(folder, 'service.sock');
    const server = createServer((request, response) => response.end(`unix ${request.url ?? ''}`));
    server.listen(path);
    await once(server, 'listening');
    cleanup.add(server, (it) => it.close());
    const agent = cleanup.add(await testAgent(await start(), `unix:${path}`), (it) => it.stop());
    expect(await (await fetch(`${agent.url}/x?y=1`)).text()).toBe('unix /x?y=1');
  });

  it('stays registered while its service is down, and answers 502', async () => {
    const agent = cleanup.add(await testAgent(await start(), 1), (it) => it.stop());
    const response = await fetch(agent.url);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      error: { code: expect.stringMatching(/^BERTH_LOCAL_SERVICE_/) as string },
    });
  });
});
