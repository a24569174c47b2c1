import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultAgentSettings, type AgentSettings } from 'berth-agent';
import type { DeepPartial } from '@berth/config';
import { disposable, eventually, listening, localService } from '@berth/testing';
import {
  listens,
  Program,
  send,
  type TestAgent,
  testAgent,
  type TestGateway,
  testGateway,
  urlOf,
} from '@berth/testing/system';

async function named(name: string) {
  return localService((request, response) => response.end(`${name} ${request.url ?? ''}`));
}

/** A service that begins an answer to `/slow`, and ends the last one when it is told to. */
async function slow() {
  let finish = (): void => undefined;
  const service = await localService(({ url }, response) => {
    if (url !== '/slow') return response.end('whole');
    finish = () => void response.end('and done');
    return response.write('begun ');
  });
  return Object.assign(service, {
    finish: () => {
      finish();
    },
  });
}

const targetOf = ({ port }: { port: number }): string => `http://127.0.0.1:${port}`;

/** Settings of an agent of {@link testAgent}, but for what is different now. */
function settings(gateway: TestGateway, target: string, more: DeepPartial<AgentSettings> = {}): AgentSettings {
  return defaultAgentSettings({
    gateway: `127.0.0.1:${gateway.grpcPort}`,
    reconnect: { minMs: 20, maxMs: 200 },
    shutdown: { timeoutMs: 1000 },
    ...more,
    local: { checkIntervalMs: 0, ...more.local },
    target,
    id: 'agent-1',
  });
}

async function servicesOf(gateway: TestGateway) {
  const { services, connection_list: connections } = (await (
    await fetch(`${gateway.admin}/agents/agent-1`)
  ).json()) as {
    services: { name: string; port: number; kind: string; connections: number; loopback: boolean }[];
    connection_list: { connection_id: string }[];
  };
  return { services, ids: connections.map(({ connection_id: id }) => id).sort() };
}

const portOf = async (gateway: TestGateway, name: string): Promise<number> =>
  (await servicesOf(gateway)).services.find((service) => service.name === name)?.port ?? 0;

const connected = (agent: TestAgent, gateway: TestGateway, connections: number): Promise<unknown> =>
  eventually(async () => (await servicesOf(gateway)).ids.length === connections && agent.client.inFlight >= 0);

describe('an agent whose settings change while it runs', () => {
  it.each([1, 3])('has local services come and go without a new connection, on each of %i', async (connections) => {
    await using web = await slow();
    await using api = await named('api');
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, web.port, { connections });
    await connected(agent, gateway, connections);
    const { ids } = await servicesOf(gateway);
    const answer = await fetch(`${agent.url}/slow`);
    agent.change(settings(gateway, targetOf(web), { connections, expose: { api: targetOf(api) } }));
    await eventually(async () => (await servicesOf(gateway)).services[1]?.connections === connections);
    const port = await portOf(gateway, 'api');
    expect((await send(port, { path: '/x' })).text).toBe('api /x');
    agent.change(settings(gateway, targetOf(web), { connections }));
    await eventually(async () => !(await listens(port)));
    web.finish();
    expect(await answer.text()).toBe('begun and done');
    expect((await servicesOf(gateway)).ids).toEqual(ids);
    expect((await servicesOf(gateway)).services.map(({ name }) => name)).toEqual(['default']);
  });

  it('goes to another target at once, and ends what it has begun where it began it', async () => {
    await using before = await slow();
    await using after = await named('after');
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, before.port);
    const answer = await fetch(`${agent.url}/slow`);
    agent.change(settings(gateway, targetOf(after)));
    expect((await send(agent.port, { path: '/1' })).text).toBe('after /1');
    before.finish();
    expect(await answer.text()).toBe('begun and done');
  });

  it('makes raw TCP of what was HTTP, with every connection, and back', async () => {
    await using web = await named('web');
    const echo = createServer((socket: Socket) => socket.pipe(socket));
    const { port: echoPort } = await listening(echo);
    await using _echo = disposable(echo, () => echo.close());
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, web.port, { connections: 3 });
    await connected(agent, gateway, 3);
    agent.change(settings(gateway, `tcp://127.0.0.1:${echoPort}`, { connections: 3 }));
    await eventually(async () => {
      const [service] = (await servicesOf(gateway)).services;
      return service?.kind === 'tcp' && service.connections === 3;
    });
    const port = await portOf(gateway, 'default');
    const socket = connect(port, '127.0.0.1');
    const echoed = new Promise<string>((resolve) =>
      socket.once('data', (bytes) => {
        resolve(String(bytes));
      }),
    );
    socket.write('hello');
    expect(await echoed).toBe('hello');
    socket.destroy();
    agent.change(settings(gateway, targetOf(web), { connections: 3 }));
    await eventually(async () => (await servicesOf(gateway)).services[0]?.kind === 'http');
    expect((await send(await portOf(gateway, 'default'), { path: '/y' })).text).toBe('web /y');
  });

  it('has a port on loopback alone, and a port that it wishes for', async () => {
    await using web = await named('web');
    await using gateway = await testGateway({ agentPorts: { host: '0.0.0.0', requestable: ['1-65535'] } });
    await using agent = await testAgent(gateway, web.port);
    const port = gateway.range.end;
    agent.change(settings(gateway, targetOf(web), { loopbackServices: ['default'], ports: { default: port } }));
    await eventually(async () => (await servicesOf(gateway)).services[0]?.loopback === true);
    expect((await send(port, { path: '/z' })).text).toBe('web /z');
    const { servers } = (await (await fetch(`${gateway.admin}/servers`)).json()) as { servers: { bind: string }[] };
    expect(servers.map(({ bind }) => bind)).toContain(`127.0.0.1:${port}`);
  });

  it('takes a port that becomes free later', async () => {
    await using web = await named('web');
    await using api = await named('api');
    await using gateway = await testGateway({}, 2);
    const other = await testAgent(gateway, web.port, { id: 'other' });
    await using agent = await testAgent(gateway, web.port, { expose: { api: targetOf(api) } });
    expect((await agent.ready).services.map(({ port }) => port > 0)).toEqual([true, false]);
    const gained = new Promise<number>((resolve) => {
      agent.client.on('services', ({ services }) => {
        resolve(services[1]?.port ?? 0);
      });
    });
    await other[Symbol.asyncDispose]();
    expect((await send(await gained, { path: '/late' })).text).toBe('api /late');
  });

  it('leaves in order when a service that is required has no port, and comes back when it has', async () => {
    await using web = await slow();
    await using api = await named('api');
    await using gateway = await testGateway({}, 2);
    const other = await testAgent(gateway, web.port, { id: 'other' });
    await using agent = await testAgent(gateway, web.port, { shutdown: { timeoutMs: 5000 } });
    const answer = await fetch(`${agent.url}/slow`);
    const lost = new Promise<string>((resolve) => {
      agent.client.once('lost', ({ reason }) => {
        resolve(reason.code);
      });
    });
    const expose = { api: targetOf(api) };
    agent.change(
      settings(gateway, targetOf(web), { expose, requiredServices: ['api'], shutdown: { timeoutMs: 5000 } }),
    );
    // It keeps the port while something runs there, and opens nothing more.
    await eventually(async () => (await send(agent.port)).status === 503);
    web.finish();
    expect(await answer.text()).toBe('begun and done');
    expect(await lost).toBe('BERTH_PORTS_EXHAUSTED');
    await other[Symbol.asyncDispose]();
    await eventually(
      async () => (await fetch(`${gateway.admin}/agents/agent-1`)).ok && (await portOf(gateway, 'api')) > 0,
    );
  });
});

describe('berth-agent, whose file changes', () => {
  function started(gateway: TestGateway, text: string) {
    const folder = mkdtempSync(join(tmpdir(), 'berth-reload-'));
    const file = join(folder, 'agent.yaml');
    const write = (content: string): void => {
      writeFileSync(file, content);
    };
    const head = `id: agent-1\ngateway: "127.0.0.1:${gateway.grpcPort}"\n`;
    write(head + text);
    // A session of its own has no terminal.
    const program = new Program('agent', ['--config', file], {}, { through: ['setsid'] });
    return disposable({ program, file, head, write }, async () => {
      await program.end();
      rmSync(folder, { recursive: true });
    });
  }

  it('takes up what can change, names what cannot, and says where a file is wrong', async () => {
    await using web = await named('web');
    await using api = await named('api');
    await using gateway = await testGateway();
    await using agent = started(gateway, `target: ${web.port}\n`);
    const { program, file, head, write } = agent;
    const { port } = await urlOf(program);
    write(`${head}target: ${web.port}\nexpose: { api: "${targetOf(api)}" }\nconnections: 2\nlog: { level: debug }\n`);
    const [, second] = await program.printed(/"event":"services_changed".*"api":"http:\/\/127\.0\.0\.1:(\d+)"/);
    expect((await send(Number(second), { path: '/1' })).text).toBe('api /1');
    await program.printed(/needs a restart: connections/);
    await program.printed(/settings have changed: expose, log.level/);
    write(`${head}target: ${web.port}\nexpose: { API: 1 }\n`);
    await program.printed(/settings stay as they were: expose: .*agent\.yaml:4/);
    write(`${head}target: ${web.port}\nexpose: { api\n`);
    await program.printed(/settings stay as they were: config: .*agent\.yaml:\d+:\d+: /);
    expect((await send(Number(second), { path: '/2' })).text).toBe('api /2');
    // As editors and deployments do.
    writeFileSync(`${file}.new`, `${head}target: ${web.port}\n`);
    renameSync(`${file}.new`, file);
    await eventually(async () => !(await listens(Number(second))));
    expect((await send(port, { path: '/3' })).text).toBe('web /3');
  });

  it('looks at it on SIGHUP, where it has no terminal, and goes on', async () => {
    await using web = await named('web');
    await using gateway = await testGateway();
    await using agent = started(gateway, `target: ${web.port}\n`);
    const { port } = await urlOf(agent.program);
    agent.program.kill('SIGHUP');
    await agent.program.printed(/settings are as they were/);
    expect((await send(port, { path: '/1' })).text).toBe('web /1');
  });
});
