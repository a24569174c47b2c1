import { jest } from '@jest/globals';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { AgentBerths, AgentRegistry } from 'berth-gateway';
import { eventually, localService, RawClient } from '@berth/testing';
import {
  agentIds,
  listAgents,
  listens,
  logLines,
  metric,
  portsOf,
  RawAgent,
  testAgent,
  testGateway,
} from '@berth/testing/system';

describe('an agent registers', () => {
  const rawAgent = (port: number): RawAgent => new RawAgent(port);

  it('A5: its port listens before the gateway says welcome', async () => {
    await using gateway = await testGateway();
    using agent = rawAgent(gateway.grpcPort).hello('early');
    const { port } = await agent.welcome;
    expect(await listens(port)).toBe(true);
    expect(port).toBe(gateway.range.start);
  });

  it('A4: many that come at once get a port each, and the leases are listed', async () => {
    await using gateway = await testGateway({}, 20);
    await using stack = new AsyncDisposableStack();
    const agents = Array.from({ length: 20 }, (_, i) => stack.use(rawAgent(gateway.grpcPort)).hello(`a${i}`));
    const ports = await Promise.all(agents.map(async ({ welcome }) => (await welcome).port));
    expect(new Set(ports).size).toBe(20);
    const { leases, used, free } = await portsOf(gateway);
    expect(leases).toHaveLength(20);
    expect({ used, free }).toEqual({ used: 20, free: 0 });
  });

  it('A7: servers are listed as copies with id, port and start', async () => {
    await using gateway = await testGateway();
    const before = Date.now();
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway.grpcPort)).hello('listed').welcome;
    const berths = gateway.app.get(AgentBerths);
    const [first] = berths.list();
    expect(first).toMatchObject({ agentId: 'listed', port: gateway.range.start });
    expect(first?.startedAt).toBeGreaterThanOrEqual(before);
    if (first !== undefined) first.port = 1;
    expect(berths.list()[0]?.port).toBe(gateway.range.start);
  });

  it('A18: three agents are listed, one leaves, two are listed', async () => {
    await using service = await localService((_, response) => response.end('hi'));
    await using gateway = await testGateway();
    const agents = [];
    await using stack = new AsyncDisposableStack();
    for (const id of ['one', 'two', 'three']) {
      agents.push(stack.use(await testAgent(gateway, service.port, { id })));
    }
    expect(await agentIds(gateway)).toEqual(['one', 'three', 'two']);
    expect(new Set(agents.map(({ port }) => port)).size).toBe(3);
    for (const { url } of agents) expect(await (await fetch(url)).text()).toBe('hi');
    await agents[1]?.stop();
    await eventually(async () => (await listAgents(gateway)).length === 2);
    expect(await agentIds(gateway)).toEqual(['one', 'three']);
    expect(await listens(agents[1]?.port ?? 0)).toBe(false);
  });

  it('A5: a port that somebody else has is put back, and another is taken', async () => {
    const { log, at } = logLines();
    await using gateway = await testGateway({}, 4, log);
    await using stack = new AsyncDisposableStack();
    stack.use(await occupy(gateway.range.start, 2));
    const { port } = await stack.use(rawAgent(gateway.grpcPort)).hello('lucky').welcome;
    expect(port).toBe(gateway.range.start + 2);
    expect((await portsOf(gateway)).leases.map((lease) => lease.port)).toEqual([port]);
    expect(at('warn').filter(({ msg }) => msg.startsWith('another program holds a port'))).toHaveLength(2);
    expect(await metric(gateway, 'berth_agent_server_start_failures_total')).toBe(2);
  });

  it('A5: with all ports but the last taken it gets the last, and the others are shown', async () => {
    await using gateway = await testGateway({}, 10);
    const { start, end } = gateway.range;
    await using stack = new AsyncDisposableStack();
    stack.use(await occupy(start, 9));
    expect((await stack.use(rawAgent(gateway.grpcPort)).hello('lucky').welcome).port).toBe(end);
    const shown = await portsOf(gateway);
    expect(shown).toMatchObject({ total: 10, used: 1, free: 0, foreign: 9 });
    expect(shown.foreign_ports.map(({ port }) => port)).toEqual(Array.from({ length: 9 }, (_, i) => start + i));
    using late = rawAgent(gateway.grpcPort).hello('late');
    expect((await late.status).details).toContain('9 of them held by other programs');
    expect(late.refused).toMatchObject({ code: 'BERTH_PORTS_EXHAUSTED', retryable: true });
  });

  it('A5: where no port can be bound the registration is refused, and no port stays leased', async () => {
    // An address of nobody (RFC 5737): what holds for all its ports is not tried with another one.
    await using gateway = await testGateway({ agentPorts: { host: '192.0.2.1' } });
    using agent = rawAgent(gateway.grpcPort).hello('unlucky');
    const { code, details } = await agent.status;
    expect(code).toBe(status.UNAVAILABLE);
    expect(details).toMatch(/^failed to start server for agent unlucky: .*this machine has no such address/);
    expect(agent.refused).toMatchObject({ code: 'BERTH_SERVER_START_FAILED', retryable: true });
    expect(await portsOf(gateway)).toMatchObject({ used: 0, foreign: 0 });
    expect(await agentIds(gateway)).toEqual([]);
  });

  it.each(['', '-x', '.x', 'a b', 'a/b', 'ä', 'x'.repeat(65), 'a\nb', '../x'])(
    'A10: id %j is refused with INVALID_ARGUMENT, and nothing is leased',
    async (id) => {
      await using gateway = await testGateway();
      using agent = rawAgent(gateway.grpcPort).hello(id);
      expect((await agent.status).code).toBe(status.INVALID_ARGUMENT);
      expect(agent.refused).toMatchObject({ code: 'BERTH_INVALID_AGENT_ID', retryable: false });
      expect((await portsOf(gateway)).used).toBe(0);
    },
  );

  it('A10: ids of 1 and of 64 characters are taken', async () => {
    await using gateway = await testGateway();
    await using stack = new AsyncDisposableStack();
    for (const id of ['x', 'A1._-'.padEnd(64, 'z')]) await stack.use(rawAgent(gateway.grpcPort)).hello(id).welcome;
    expect(await agentIds(gateway)).toHaveLength(2);
  });

  it('A14: one that leaves while its server starts gets none, and its port is free again', async () => {
    await using gateway = await testGateway({ agentPorts: { holdMs: 60_000 } });
    const registry = gateway.app.get(AgentRegistry);
    const register = jest.spyOn(registry, 'register');
    using agent = rawAgent(gateway.grpcPort);
    agent.hello('fickle');
    // The stream goes in the very moment in which the registration begins.
    register.mockImplementationOnce((connection, ...rest) => {
      const registration = registry.register(connection, ...rest);
      connection.close();
      return registration;
    });
    await agent.status;
    expect(register).toHaveBeenCalled();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    expect(await agentIds(gateway)).toEqual([]);
    expect(await listens(gateway.range.start)).toBe(false);
  });

  it('A16: agents and ports are told at INFO', async () => {
    const { log, at } = logLines();
    await using gateway = await testGateway({}, 4, log);
    using agent = rawAgent(gateway.grpcPort).hello('told');
    await agent.welcome;
    agent.close();
    await eventually(() => at('info').some(({ msg }) => msg === 'agent server stopped'));
    const told = at('info').map(({ msg }) => msg);
    for (const line of ['agent server listens', 'agent connected', 'agent disconnected']) expect(told).toContain(line);
    expect(at('error')).toEqual([]);
  });

  it('A17: agents, ports, connects and disconnects are counted', async () => {
    await using gateway = await testGateway({}, 4);
    using first = rawAgent(gateway.grpcPort).hello('first');
    await first.welcome;
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway.grpcPort)).hello('second').welcome;
    expect(await metric(gateway, 'berth_agents')).toBe(2);
    expect(await metric(gateway, 'berth_port_pool_used')).toBe(2);
    expect(await metric(gateway, 'berth_port_pool_size')).toBe(4);
    first.close();
    await eventually(async () => (await metric(gateway, 'berth_agents')) === 1);
    expect(await metric(gateway, 'berth_agent_connects_total')).toBe(2);
    await eventually(async () => (await metric(gateway, 'berth_agent_disconnects_total')) === 1);
  });

  it('A17: requests of an agent are counted with their duration', async () => {
    await using service = await localService((_, response) => response.end('hi'));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port, { id: 'busy' });
    for (let i = 0; i < 3; i += 1) await (await fetch(agent.url)).text();
    expect(await metric(gateway, 'berth_agent_requests_total{agent="busy",service="default"}')).toBe(3);
    await eventually(
      async () =>
        (await metric(gateway, 'berth_agent_request_duration_seconds_count{agent="busy",service="default"}')) === 3,
    );
  });

  it('A6: a port whose last client lingers is free at once, and the agent that returns gets it', async () => {
    await using gateway = await testGateway();
    using first = rawAgent(gateway.grpcPort).hello('back');
    const { port } = await first.welcome;
    using slow = await RawClient.connect(port);
    slow.send('GET / HTTP/1.1\r\nHost: x\r\nX-Unfini');
    using idle = await RawClient.connect(port);
    await eventually(() => idle.socket.readyState === 'open');
    first.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    // The old server still waits for the slow client.
    expect(slow.closed).toBe(false);
    await using stack = new AsyncDisposableStack();
    expect((await stack.use(rawAgent(gateway.grpcPort)).hello('back').welcome).port).toBe(port);
    expect(await listens(port)).toBe(true);
  });

  /** Binds neighbouring ports, as a stranger would. */
  async function occupy(first: number, count: number): Promise<AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    for (let port = first; port < first + count; port += 1) {
      const stranger = stack.adopt(createServer(), (it) => void it.close());
      stranger.listen(port, '127.0.0.1');
      await once(stranger, 'listening');
    }
    return stack.move();
  }
});
