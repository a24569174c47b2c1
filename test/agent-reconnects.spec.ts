import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoawayReason } from '@berth/tunnel-protocol';
import { disposable, eventually, type LocalService, localService } from '@berth/testing';
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
  const start = async (...args: Parameters<typeof testGateway>): Promise<TestGateway> => await testGateway(...args);
  const echo = async (): Promise<LocalService> => await localService((request, response) => request.pipe(response));
  const connections = (gateway: TestGateway) => gateway.app.get(AgentRegistry).get('agent-1')?.connections ?? [];

  it('returns to its port after a restart of the gateway', async () => {
    await using service = await echo();
    const before = await testGateway();
    await using agent = await testAgent(before, service.port);
    const lost = once(agent.client, 'lost');
    await before.close();
    await lost;
    const again = once(agent.client, 'ready');
    await using after = await start({ grpc: { port: before.grpcPort }, http: { agentPortRange: before.range } });
    const [address] = (await again) as [{ port: number }];
    expect(address.port).toBe(agent.port);
    expect(await agentIds(after)).toEqual(['agent-1']);
    expect(await (await fetch(agent.url, { method: 'POST', body: 'again' })).text()).toBe('again');
  });

  it('A13: DELETE /agents/:id disconnects it, and it comes back to its port', async () => {
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent(gateway, stack.use(await echo()).port);
    const [before] = connections(gateway);
    expect((await fetch(`${gateway.admin}/agents/agent-1`, { method: 'DELETE' })).status).toBe(204);
    await eventually(() => connections(gateway)[0] !== undefined && connections(gateway)[0] !== before);
    expect(before?.closed).toBe(true);
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'agent-1', port: agent.port }]);
    expect((await fetch(`${gateway.admin}/agents/nobody`, { method: 'DELETE' })).status).toBe(404);
  });

  it('DELETE /agents/:id lets what is under way end, on a connection that takes nothing new', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService((request, response) => {
      if (request.url === '/quick') return response.end('quick');
      response.write('begun ');
      return (finish = () => response.end('and done'));
    });
    await using gateway = await start();
    await using agent = await testAgent(gateway, service.port);
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

  it('DELETE /agents/:id?now=true cuts off what is under way; anything else is refused', async () => {
    await using service = await localService((_, response) => response.write('begun'));
    await using gateway = await start();
    await using agent = await testAgent(gateway, service.port);
    const long = await fetch(agent.url);
    const remove = async (query: string): Promise<number> =>
      (await fetch(`${gateway.admin}/agents/agent-1?${query}`, { method: 'DELETE' })).status;
    expect([await remove('now=1'), await remove('now=true&now=true')]).toEqual([400, 400]);
    expect(await remove('now=true')).toBe(204);
    await expect(long.text()).rejects.toThrow();
    await eventually(() => connections(gateway)[0]?.accepting);
  });

  it('an agent that does not leave is cut off after drainTimeoutMs, asked once or twice', async () => {
    await using gateway = await start({ tunnel: { drainTimeoutMs: 200 } });
    using stubborn = await RawAgent.registered(gateway.grpcPort, 'agent-1');
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
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent(gateway, stack.use(await echo()).port, { connections: 4 });
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
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent(gateway, stack.use(await echo()).port);
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

  it('has its next connection before the numbers of exchanges on one are used up', async () => {
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent(gateway, stack.use(await echo()).port);
    const [old] = connections(gateway);
    // Numbers may be left out; two thousand million requests take a day.
    const { live } = old as unknown as { live: { lastId: number } };
    live.lastId = 2 ** 31 - 2 ** 24 - 2;
    const post = async (): Promise<string> => (await fetch(agent.url, { method: 'POST', body: 'body' })).text();
    expect(await post()).toBe('body');
    expect(connections(gateway)).toEqual([old]);
    expect(old?.draining).toBe(false);
    expect(await post()).toBe('body');
    await eventually(() => old?.closed);
    expect(await post()).toBe('body');
    expect(connections(gateway)).toHaveLength(1);
  });

  it('lets a long answer run out on the connection that it leaves', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService((_, response) => {
      response.write('begun ');
      finish = () => response.end('and done');
    });
    await using gateway = await start();
    await using agent = await testAgent(gateway, service.port);
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
    await using gateway = await start({ tunnel: { maxConnectionsPerAgent: 1 } });
    await using stack = new AsyncDisposableStack();
    stack.use(await testAgent(gateway, stack.use(await echo()).port));
    const [old] = connections(gateway);
    old?.drain('idExhausted', 10_000, true);
    await eventually(() => old?.closed);
    expect(connections(gateway)).toHaveLength(1);
  });

  it('is cut off when it does not leave within the deadline of a Goaway', async () => {
    await using gateway = await start();
    using stubborn = await RawAgent.registered(gateway.grpcPort, 'agent-1');
    const pending = fetch(`http://127.0.0.1:${(await stubborn.welcome).port}`, { method: 'POST', body: 'x' });
    await eventually(() => stubborn.opened[0]);
    connections(gateway)[0]?.drain('idExhausted', 50, true);
    expect((await pending).status).toBe(502);
    await stubborn.status;
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('is served on a connection that waits for its successor, while no other can', async () => {
    await using gateway = await start();
    using agent = await RawAgent.registered(gateway.grpcPort, 'agent-1');
    connections(gateway)[0]?.drain('idExhausted', 10_000, true);
    const request = fetch(`http://127.0.0.1:${(await agent.welcome).port}`);
    answer(await eventually(() => agent.opened[0]), 'still');
    expect(await (await request).text()).toBe('still');
  });

  it('A3: one that dies and is there again in the same moment keeps its port', async () => {
    await using gateway = await start();
    using first = await RawAgent.registered(gateway.grpcPort, 'agent-1');
    await using stack = new AsyncDisposableStack();
    await stack.use(await RawAgent.registered(gateway.grpcPort, 'other')).welcome;
    const { port } = await first.welcome;
    const registry = gateway.app.get(AgentRegistry);
    const [old] = connections(gateway);
    using second = new RawAgent(gateway.grpcPort);
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
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-'));
    const path = join(folder.path, 'service.sock');
    await using server = disposable(
      createServer((request, response) => response.end(`unix ${request.url ?? ''}`)),
      (it) => it.close(),
    );
    server.listen(path);
    await once(server, 'listening');
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent(stack.use(await start()), `unix:${path}`);
    expect(await (await fetch(`${agent.url}/x?y=1`)).text()).toBe('unix /x?y=1');
  });

  it('stays registered while its service is down, and answers 502', async () => {
    await using stack = new AsyncDisposableStack();
    await using agent = await testAgent(stack.use(await start()), 1);
    const response = await fetch(agent.url);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({
      error: { code: expect.stringMatching(/^BERTH_LOCAL_SERVICE_/) as string },
    });
  });
});
