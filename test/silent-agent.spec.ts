import { jest } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { status } from '@grpc/grpc-js';
import { HttpServerPool } from '@berth/http-server-pool';
import { disposable, eventually, localService, tcpRelay } from '@berth/testing';
import { agentIds, answer, listAgents, listens, RawAgent, testAgent, testGateway } from '@berth/testing/system';
import { type Agent, AgentRegistry } from 'berth-gateway';

/** A tunnel connection is its session, which writes down when it heard something. */
function sessionOf(agent: Agent | undefined): { lastSeenAt: number } {
  const [connection] = agent?.connections ?? [];
  if (connection === undefined) throw new Error('not registered');
  return connection;
}

describe('an agent falls silent', () => {
  const registered = async (grpcPort: number, id: string, instanceId = id): Promise<RawAgent> =>
    await RawAgent.registered(grpcPort, id, { instanceId });

  it('A12: a connection whose Pong is late is closed, and what waits on it fails at once', async () => {
    await using gateway = await testGateway({ tunnel: { pingIntervalMs: 50, pingTimeoutMs: 200 } });
    using agent = await registered(gateway.grpcPort, 'mute');
    const pending = fetch(`http://127.0.0.1:${(await agent.welcome).port}/`, { method: 'POST', body: 'x' });
    await eventually(() => agent.opened[0]);
    agent.deaf = true;
    // 502 and not the 504 that would come after 30 s.
    expect((await pending).status).toBe(502);
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
    expect(await agentIds(gateway)).toEqual([]);
  });

  it('A12: the sweep drops what has been silent for too long, and nothing else', async () => {
    await using gateway = await testGateway();
    using silent = await registered(gateway.grpcPort, 'silent');
    await using stack = new AsyncDisposableStack();
    stack.use(await registered(gateway.grpcPort, 'lively'));
    const registry = gateway.app.get(AgentRegistry);
    const session = sessionOf(registry.get('silent'));
    const { staleAfterMs } = gateway.settings.tunnel;
    session.lastSeenAt = performance.now() - staleAfterMs + 1000;
    registry.sweep(performance.now());
    expect(await agentIds(gateway)).toEqual(['lively', 'silent']);
    session.lastSeenAt = performance.now() - staleAfterMs - 1000;
    registry.sweep(performance.now());
    expect(await agentIds(gateway)).toEqual(['lively']);
    expect(await silent.status).toMatchObject({ code: status.UNAVAILABLE });
  });

  it('a step of the wall clock drops nobody, and is followed by what is shown', async () => {
    await using gateway = await testGateway({ tunnel: { sweepIntervalMs: 10 } });
    await using stack = new AsyncDisposableStack();
    stack.use(await registered(gateway.grpcPort, 'quiet'));
    const registry = gateway.app.get(AgentRegistry);
    const sweep = jest.spyOn(registry, 'sweep');
    // From the Pong to the first Ping on, it is quiet: a guess of 1 ms stands for no round trip.
    await eventually(() => registry.get('quiet')?.connections[0]?.roundTripMs !== 1);
    const { now } = Date;
    const step = 3_600_000;
    using _stepped = jest.spyOn(Date, 'now').mockImplementation(() => now() + step);
    await eventually(() => sweep.mock.calls.length > 2);
    const [quiet] = await listAgents(gateway);
    expect(quiet?.agent_id).toBe('quiet');
    expect(Math.abs(Date.parse(quiet?.last_seen ?? '') - (now() + step))).toBeLessThan(60_000);
  });

  it('A12: the sweep runs by itself', async () => {
    await using gateway = await testGateway({ tunnel: { sweepIntervalMs: 20 } });
    await using stack = new AsyncDisposableStack();
    stack.use(await registered(gateway.grpcPort, 'silent'));
    const session = sessionOf(gateway.app.get(AgentRegistry).get('silent'));
    await eventually(async () => {
      // The Pong to the first Ping may still be under way.
      session.lastSeenAt = -Infinity;
      return (await agentIds(gateway)).length === 0;
    });
  });

  it('A12: lastSeen moves with every message', async () => {
    await using gateway = await testGateway();
    using agent = await registered(gateway.grpcPort, 'seen');
    const seen = async (): Promise<number> => Date.parse((await listAgents(gateway))[0]?.last_seen ?? '');
    const before = await seen();
    await eventually(async () => {
      agent.session.sendPing(7);
      return (await seen()) > before;
    });
  });

  it('A12: an answer counts only from the connection that got the request', async () => {
    await using gateway = await testGateway();
    using victim = await registered(gateway.grpcPort, 'victim');
    using forger = await registered(gateway.grpcPort, 'forger');
    let settled = false;
    const request = fetch(`http://127.0.0.1:${(await victim.welcome).port}/`).finally(() => (settled = true));
    const exchange = await eventually(() => victim.opened[0]);
    // The forger answers an exchange of that number, which its own connection never had.
    forger.session.sendHead(exchange, { status: 200, reason: 'OK', headers: [] });
    expect((await forger.status).code).toBe(status.INVALID_ARGUMENT);
    expect(settled).toBe(false);
    answer(exchange, 'genuine');
    expect(await (await request).text()).toBe('genuine');
  });

  it('A12: an agent notices a gateway that hangs behind a living socket, and dials again', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    await using gateway = await testGateway({ tunnel: { pingIntervalMs: 50, pingTimeoutMs: 300 } });
    await using wire = await tcpRelay(gateway.grpcPort);
    await using agent = await testAgent({ grpcPort: wire.port }, service.port);
    const lost = once(agent.client, 'lost');
    wire.freeze();
    await lost;
    await eventually(async () => (await agentIds(gateway)).length === 1 && wire.connections > 1);
    await eventually(async () => (await fetch(agent.url)).ok);
  });

  it('A8: without attempts to restart it, a server that ends disconnects its agent, which returns to a port that listens', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    await using gateway = await testGateway({ agentPorts: { restartAttempts: 0 } });
    await using agent = await testAgent(gateway, service.port);
    const [server] = gateway.app.get(HttpServerPool).filter('name', { exact: 'agent agent-1' });
    const back = once(agent.client, 'ready');
    server?.server.close();
    const [{ port }] = (await back) as [{ port: number }];
    expect(await listens(port)).toBe(true);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('ok');
  });

  it('A8: the sweep finds a server that is listed and does not listen, though a client keeps it from closing', async () => {
    await using gateway = await testGateway({ agentPorts: { restartAttempts: 0 } });
    using agent = await registered(gateway.grpcPort, 'keeper');
    await using client = disposable(connect((await agent.welcome).port, '127.0.0.1'), (it) => it.destroy());
    client.on('error', () => undefined);
    client.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => agent.opened[0]);
    const [server] = gateway.app.get(HttpServerPool).filter('name', { exact: 'agent keeper' });
    server?.server.close();
    gateway.app.get(AgentRegistry).sweep(performance.now());
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
    expect(await agentIds(gateway)).toEqual([]);
  });
});
