import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type PooledTcpServer, TcpServerPool } from '@berth/http-server-pool';
import { disposable, eventually, listening, owning, RawClient } from '@berth/testing';
import { agentIds, metric, type Relay, type RelayOptions, relayTo, type TestGateway } from '@berth/testing/system';
import { AgentRegistry, ServerCare } from 'berth-gateway';

interface Setup extends AsyncDisposable {
  relay: Relay;
  gateway: TestGateway;
  /** connections that the local service got so far */
  accepted: Socket[];
  server: PooledTcpServer;
}

/** An agent with a raw TCP port in front of a service that sends back what it gets. */
async function echoing(options?: RelayOptions): Promise<Setup> {
  await using stack = new AsyncDisposableStack();
  const accepted: Socket[] = [];
  const service = createServer({ allowHalfOpen: true }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  const { port } = stack.use(await listening(service));
  const relay = stack.use(await relayTo(`tcp://127.0.0.1:${port}`, options));
  const { gateway } = relay;
  return owning({ relay, gateway, accepted, server: serverOf(gateway) }, stack);
}

function serverOf(gateway: TestGateway): PooledTcpServer {
  const [server] = gateway.app.get(TcpServerPool);
  if (server === undefined) throw new Error('no TCP server');
  return server;
}

async function serversOf({ admin }: TestGateway): Promise<Record<string, unknown>[]> {
  const answer = (await (await fetch(`${admin}/servers`)).json()) as { servers: Record<string, unknown>[] };
  return answer.servers;
}

const restart = (gateway: TestGateway, bind: string): Promise<Response> =>
  fetch(`${gateway.admin}/servers/${encodeURIComponent(bind)}/restart`, { method: 'POST' });

/** A client through the port whose bytes come back: the pipe stands. */
async function piped(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.send('hello');
  await eventually(() => client.text() === 'hello');
  return client;
}

/** Why a client's connection ended. */
function endOf({ socket }: RawClient): string[] {
  const ends: string[] = [];
  socket.on('end', () => ends.push('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => ends.push(error.code ?? error.message));
  return ends;
}

/** Takes the listening socket away, with nobody told. */
function deafen({ server }: PooledTcpServer): void {
  (server as unknown as { _handle: { close(): void } })._handle.close();
}

describe('the raw TCP servers of the gateway', () => {
  it('D10: are listed with what each answers now; the probe reaches no local service, and counts as nobody', async () => {
    await using setup = await echoing({ gateway: { agentPorts: { publicHost: 'gw.example' } } });
    const { accepted, gateway, relay, server } = setup;
    using _client = await piped(relay.port);
    for (let i = 0; i < 20; i += 1) await serversOf(gateway);
    const listed = await serversOf(gateway);
    expect(listed.map(({ name }) => name)).toEqual(['admin', 'agent agent-1']);
    expect(listed[1]).toEqual({
      name: 'agent agent-1',
      bind: `127.0.0.1:${relay.port}`,
      expose: `tcp://gw.example:${relay.port}`,
      scheme: 'tcp',
      state: 'running',
      healthy: true,
      started_at: expect.stringMatching(/^\d{4}-.*Z$/),
      uptime_ms: expect.any(Number),
      connections: 1,
      requests: 1,
      restarts: 0,
      probe_ms: expect.any(Number),
    });
    expect(accepted).toHaveLength(1);
    deafen(server);
    expect((await serversOf(gateway))[1]).toMatchObject({ state: 'running', healthy: false });
  });

  it('D10: clients that come while it is probed are taken for nobody else', async () => {
    await using setup = await echoing();
    const { accepted, gateway, relay } = setup;
    const probes = Array.from({ length: 50 }, () => serversOf(gateway));
    const clients = await Promise.all(Array.from({ length: 50 }, () => piped(relay.port)));
    for (const listed of await Promise.all(probes)) expect(listed[1]).toMatchObject({ healthy: true });
    expect(accepted).toHaveLength(50);
    for (const client of clients) client.destroy();
    await eventually(async () => (await serversOf(gateway))[1]?.['connections'] === 0);
  });

  it('D5: one is restarted: pipes run out within the grace, then they are reset; new ones are taken at once', async () => {
    await using setup = await echoing({ gateway: { agentPorts: { stopGraceMs: 600 } } });
    const { gateway, relay } = setup;
    using silent = await RawClient.connect(relay.port);
    using client = await piped(relay.port);
    const ends = [endOf(silent), endOf(client)];
    const answer = await restart(gateway, `127.0.0.1:${relay.port}`);
    expect([answer.status, await answer.json()]).toMatchObject([
      200,
      { name: 'agent agent-1', state: 'running', healthy: true, restarts: 1 },
    ]);
    using after = await piped(relay.port);
    const endsAfter = endOf(after);
    client.send(' again');
    await eventually(() => client.text() === 'hello again');
    expect(ends).toEqual([[], []]);
    await eventually(() => ends.every(({ length }) => length > 0));
    expect(ends).toEqual([['ECONNRESET'], ['ECONNRESET']]);
    after.send(' still');
    await eventually(() => after.text() === 'hello still');
    expect([endsAfter, await agentIds(gateway)]).toEqual([[], ['agent-1']]);
  });

  it('D5: the restart of one leaves the other ports of the gateway alone', async () => {
    await using setup = await echoing();
    const { gateway, relay } = setup;
    using client = await piped(relay.port);
    const ends = endOf(client);
    expect((await restart(gateway, `127.0.0.1:${gateway.adminPort}`)).status).toBe(200);
    client.send(' again');
    await eventually(() => client.text() === 'hello again');
    expect([ends, (await serversOf(gateway))[1]]).toMatchObject([[], { restarts: 0, connections: 1 }]);
  });

  it('A8, D13: one that ends by itself is brought back on its port, and its open pipes go on', async () => {
    await using setup = await echoing();
    const { gateway, relay, server } = setup;
    using client = await piped(relay.port);
    const lost = losses(relay);
    // Nobody is told of it while a pipe is open: the sweep has to find it.
    server.server.close();
    gateway.app.get(AgentRegistry).sweep(performance.now());
    await eventually(() => server.restarts === 1 && server.running);
    using _next = await piped(relay.port);
    client.send(' again');
    await eventually(() => client.text() === 'hello again');
    expect([lost.count, await agentIds(gateway)]).toEqual([0, ['agent-1']]);
    expect(await metric(gateway, 'berth_server_restarts_total')).toBe(1);
  });

  it('A8, D13: one that no longer takes connections is found and restarted', async () => {
    await using setup = await echoing();
    const { gateway, relay, server } = setup;
    deafen(server);
    for (let i = 0; i < 3; i += 1) await gateway.app.get(ServerCare).look();
    await eventually(() => server.restarts === 1 && server.running);
    using _client = await piped(relay.port);
  });

  it('A8: when its port is gone the agent is told, and comes back to another', async () => {
    await using setup = await echoing({ gateway: { agentPorts: { restartAttempts: 2 } } });
    const { gateway, relay, server } = setup;
    const back = once(relay.agent.client, 'ready');
    server.server.close();
    await using _thief = disposable(createServer().listen(relay.port, '127.0.0.1'), (it) => it.close());
    const [{ port }] = (await back) as [{ port: number }];
    expect(port).not.toBe(relay.port);
    using _client = await piped(port);
    expect((await serversOf(gateway)).map(({ bind }) => bind)).toEqual([
      `127.0.0.1:${gateway.adminPort}`,
      `127.0.0.1:${port}`,
    ]);
  });

  it('A6: a stop resets clients that never sent a byte only after the grace', async () => {
    await using setup = await echoing();
    const { relay, server } = setup;
    const socket = connect(relay.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.once('error', resolve));
    await eventually(() => server.connections === 1);
    const stopped = server.stop(300);
    const beganAt = performance.now();
    expect(await closed).toMatchObject({ code: 'ECONNRESET' });
    await stopped;
    expect(performance.now() - beganAt).toBeGreaterThan(250);
    expect(server.state).toBe('stopped');
  });
});

/** Counts how often an agent loses its gateway. */
function losses({ agent }: Relay): { count: number } {
  const lost = { count: 0 };
  agent.client.on('lost', () => (lost.count += 1));
  return lost;
}
