import { once } from 'node:events';
import { createServer } from 'node:net';
import { HttpServerPool, type PooledHttpServer } from '@berth/http-server-pool';
import { disposable, eventually, localService, RawClient } from '@berth/testing';
import { agentIds, metric, testAgent, type TestGateway, testGateway } from '@berth/testing/system';
import { AgentRegistry, ServerCare } from 'berth-gateway';

interface ListedServer {
  name: string;
  bind: string;
  expose: string;
  state: string;
  healthy: boolean;
  reason?: string;
  connections: number;
  requests: number;
  restarts: number;
}

async function serversOf({ admin }: TestGateway): Promise<ListedServer[]> {
  const answer = (await (await fetch(`${admin}/servers`)).json()) as { servers: ListedServer[]; count: number };
  expect(answer.count).toBe(answer.servers.length);
  return answer.servers;
}

const restart = (gateway: TestGateway, bind: string): Promise<Response> =>
  fetch(`${gateway.admin}/servers/${encodeURIComponent(bind)}/restart`, { method: 'POST' });

function serverOf(gateway: TestGateway, name: string): PooledHttpServer {
  const [server] = gateway.app.get(HttpServerPool).filter('name', { exact: name });
  if (server === undefined) throw new Error(`no server ${name}`);
  return server;
}

/** Takes the listening socket away, with nobody told. */
function deafen({ server }: PooledHttpServer): void {
  (server as unknown as { _handle: { close(): void } })._handle.close();
}

describe('the HTTP servers of the gateway', () => {
  it('D10: are listed with what each answers now, the admin port among them', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    await using gateway = await testGateway({ agentPorts: { publicHost: 'gw.example' } });
    await using agent = await testAgent(gateway, service.port);
    await (await fetch(agent.url)).text();
    using client = await RawClient.connect(agent.port);
    const [admin, ofAgent] = await eventually(async () => {
      const listed = await serversOf(gateway);
      return listed[1]?.requests === 1 && listed[1].connections > 0 ? listed : undefined;
    });
    expect(admin).toMatchObject({
      name: 'admin',
      bind: `127.0.0.1:${gateway.adminPort}`,
      state: 'running',
      healthy: true,
      requests: expect.any(Number),
    });
    expect(ofAgent).toEqual({
      name: 'agent agent-1',
      bind: `127.0.0.1:${agent.port}`,
      expose: `http://gw.example:${agent.port}`,
      scheme: 'http',
      state: 'running',
      healthy: true,
      started_at: expect.stringMatching(/^\d{4}-.*Z$/),
      uptime_ms: expect.any(Number),
      connections: expect.any(Number),
      requests: 1,
      restarts: 0,
      probe_ms: expect.any(Number),
    });
    client.destroy();
    deafen(serverOf(gateway, 'agent agent-1'));
    expect((await serversOf(gateway))[1]).toMatchObject({ state: 'running', healthy: false });
    await agent.stop();
    await eventually(async () => (await serversOf(gateway)).length === 1);
  });

  it('D5: one is restarted on request; its agent stays, and a request under way is answered', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService(({ url }, response) => {
      if (url === '/slow') finish = () => response.end('slow');
      else response.end('fast');
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const slow = fetch(`${agent.url}/slow`);
    await eventually(() => finish);
    const lost = losses(agent.client);
    const answer = await restart(gateway, `127.0.0.1:${agent.port}`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ name: 'agent agent-1', state: 'running', healthy: true, restarts: 1 });
    expect(await (await fetch(agent.url)).text()).toBe('fast');
    finish?.();
    expect(await (await slow).text()).toBe('slow');
    expect([lost.count, await agentIds(gateway)]).toEqual([0, ['agent-1']]);
  });

  it('D5: the admin port restarts itself, and answers who asked for it', async () => {
    await using gateway = await testGateway();
    expect(await (await restart(gateway, `127.0.0.1:${gateway.adminPort}`)).json()).toMatchObject({
      name: 'admin',
      healthy: true,
      restarts: 1,
    });
    expect((await fetch(`${gateway.admin}/health`, { headers: { connection: 'close' } })).status).toBe(200);
  });

  it('D1: an address without a server is not found, whatever it is', async () => {
    await using gateway = await testGateway();
    for (const bind of ['127.0.0.1:1', '[::1]:1', 'unix:/run/x.sock', 'nonsense', '(a+)+$']) {
      const answer = await restart(gateway, bind);
      expect([answer.status, await answer.json()]).toMatchObject([404, { error: { code: 'BERTH_NOT_FOUND' } }]);
    }
  });

  it('A8, D13: one that ends by itself is restarted under its lease, and its agent hears nothing of it', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const lost = losses(agent.client);
    const server = serverOf(gateway, 'agent agent-1');
    server.server.emit('error', new Error('a fault'));
    await eventually(() => server.restarts === 1 && server.running);
    expect(await (await fetch(agent.url)).text()).toBe('ok');
    expect([lost.count, await agentIds(gateway)]).toEqual([0, ['agent-1']]);
    expect(await metric(gateway, 'berth_server_restarts_total')).toBe(1);
  });

  it('A8, D13: one that no longer takes connections is found and restarted', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const server = serverOf(gateway, 'agent agent-1');
    deafen(server);
    const care = gateway.app.get(ServerCare);
    for (let i = 0; i < 3; i += 1) await care.look();
    await eventually(() => server.restarts === 1 && server.running);
    expect(await (await fetch(agent.url)).text()).toBe('ok');
  });

  it('A8: while it is being brought back its agent stays, and the sweep leaves it alone', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    await using gateway = await testGateway({ agentPorts: { restartAttempts: 100 } });
    await using agent = await testAgent(gateway, service.port);
    const server = serverOf(gateway, 'agent agent-1');
    server.server.close();
    const thief = createServer().listen(agent.port, '127.0.0.1');
    await eventually(() => server.state === 'failed' && server.restarts > 1);
    gateway.app.get(AgentRegistry).sweep(performance.now());
    const [, listed] = await serversOf(gateway);
    expect(listed).toMatchObject({
      state: 'failed',
      healthy: false,
      last_error: expect.stringContaining('EADDRINUSE'),
    });
    expect(await agentIds(gateway)).toEqual(['agent-1']);
    thief.close();
    await eventually(() => server.running);
    expect(await (await fetch(agent.url)).text()).toBe('ok');
  });

  it('A8: when its port is gone the agent is told, and comes back to another', async () => {
    await using service = await localService((_, response) => response.end('ok'));
    await using gateway = await testGateway({ agentPorts: { restartAttempts: 2 } });
    await using agent = await testAgent(gateway, service.port);
    const back = once(agent.client, 'ready');
    serverOf(gateway, 'agent agent-1').server.close();
    await using _thief = disposable(createServer().listen(agent.port, '127.0.0.1'), (it) => it.close());
    const [{ port }] = (await back) as [{ port: number }];
    expect(port).not.toBe(agent.port);
    expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('ok');
    expect((await serversOf(gateway)).map(({ bind }) => bind)).toEqual([
      `127.0.0.1:${gateway.adminPort}`,
      `127.0.0.1:${port}`,
    ]);
  });
});

/** Counts how often an agent loses its gateway. */
function losses(client: { on(event: 'lost', listener: () => void): unknown }): { count: number } {
  const lost = { count: 0 };
  client.on('lost', () => (lost.count += 1));
  return lost;
}
