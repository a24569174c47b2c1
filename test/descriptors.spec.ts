import { jest } from '@jest/globals';
import { once } from 'node:events';
import { Agent, type ClientRequest, get, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { owning, disposable, eventually, freePortRange, localService } from '@berth/testing';
import {
  agentIds,
  type Answer,
  codeIn,
  finish,
  type GatewayProgram,
  gatewayProgram,
  headOf,
  Program,
  replicasOf,
  send,
  start,
  testAgent,
  testGateway,
  urlOf,
} from '@berth/testing/system';

jest.setTimeout(60_000);

/** Starts a program with 256 descriptors. */
const LIMITED = ['sh', '-c', 'ulimit -n 256 && exec "$@"', 'sh'];

describe('a gateway with 256 descriptors', () => {
  async function setUp(
    args: string[] = [],
  ): Promise<{ gateway: GatewayProgram; admin: string; ports: number[] } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService((_, response) => response.end('fine')));
    const range = await freePortRange(3);
    const gateway = stack.use(await gatewayProgram(range, args, {}, { through: LIMITED }));
    const ports: number[] = [];
    for (const id of ['one', 'two']) {
      const agent = stack.use(await testAgent(gateway, service.port, { id }));
      ports.push(agent.port);
    }
    return owning({ gateway, admin: `http://127.0.0.1:${gateway.adminPort}`, ports }, stack);
  }

  /** Connections that ask nothing. */
  function flood(port: number, count: number): Socket[] & AsyncDisposable {
    const sockets = Array.from({ length: count }, (_, i) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.0.${2 + (i % 8)}` });
      socket.on('error', () => undefined);
      return socket;
    });
    return disposable(sockets, () => {
      for (const socket of sockets) socket.destroy();
    });
  }

  async function getOver(agent: Agent, port: number): Promise<Answer> {
    const outgoing = get({ host: '127.0.0.1', port, agent });
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return finish(response);
  }

  function logged(gateway: GatewayProgram, what: string): Record<string, unknown>[] {
    return gateway.program.stdout
      .split('\n')
      .filter((line) => line.includes(what))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it('500 connections leave the admin port, agents and who is being served alone', async () => {
    await using setup = await setUp();
    const { gateway, admin, ports } = setup;
    const [one = 0, two = 0] = ports;
    await using kept = disposable(new Agent({ keepAlive: true, maxSockets: 1 }), (it) => it.destroy());
    expect((await getOver(kept, one)).text).toBe('fine');
    await using stack = new AsyncDisposableStack();
    const sockets = [...stack.use(flood(one, 250)), ...stack.use(flood(two, 250))];
    await eventually(() => logged(gateway, 'maxTotalConnections').length > 0);
    for (let i = 0; i < 5; i += 1) {
      expect(await agentIds({ admin })).toEqual(['one', 'two']);
      expect((await fetch(`${admin}/health/ready`)).status).toBe(200);
      expect((await getOver(kept, one)).text).toBe('fine');
    }
    await eventually(async () => {
      const refused = await send(two);
      return refused.status === 503 && codeIn(refused.text) === 'BERTH_TOO_MANY_CLIENTS';
    });
    expect(logged(gateway, 'maxTotalConnections')).toHaveLength(1);
    expect(logged(gateway, 'maxTotalConnections')[0]).toMatchObject({
      level: 'error',
      connections: 192,
      maxTotalConnections: 192,
      msg: expect.stringContaining('LimitNOFILE') as string,
    });
    for (const socket of sockets) socket.destroy();
    await eventually(async () => (await send(two)).text === 'fine');
    await eventually(() => logged(gateway, 'client connections are taken again').length === 1);
    expect(logged(gateway, 'no descriptors left')).toEqual([]);
  });

  it('300 connections to the admin port cut no agent and no client off', async () => {
    await using setup = await setUp();
    const { gateway, ports } = setup;
    await using stack = new AsyncDisposableStack();
    stack.use(flood(gateway.adminPort, 300));
    await eventually(() => logged(gateway, 'connections to the admin port are dropped').length > 0);
    expect(logged(gateway, 'connections to the admin port')[0]).toMatchObject({ level: 'warn', connections: 16 });
    for (const port of ports) expect((await send(port)).text).toBe('fine');
    expect(logged(gateway, 'no descriptors left')).toEqual([]);
  });

  it('300 connections without an agent cut no client of an agent off', async () => {
    await using setup = await setUp();
    const { gateway, ports } = setup;
    await using stack = new AsyncDisposableStack();
    const strangers = stack.use(flood(gateway.grpcPort, 300)).map((socket) => socket.resume());
    await eventually(() => strangers.filter(({ destroyed }) => destroyed).length >= 300 - 16, 10_000);
    const clients = [...stack.use(flood(ports[0] ?? 0, 80)), ...stack.use(flood(ports[1] ?? 0, 80))];
    await eventually(() => clients.every(({ connecting }) => !connecting));
    for (const port of ports) expect((await send(port)).text).toBe('fine');
    expect(clients.filter(({ destroyed }) => destroyed)).toEqual([]);
    expect(logged(gateway, 'no descriptors left')).toEqual([]);
  });

  it('settings beyond the limit are warned of at start, and no descriptors left is told once', async () => {
    await using setup = await setUp(['--agent-ports-max-total-connections', '10000']);
    const { gateway, ports } = setup;
    expect(logged(gateway, 'more client connections are allowed')).toMatchObject([
      { level: 'warn', setting: 'agentPorts.maxTotalConnections', value: 10_000, descriptors: 256, advised: 192 },
    ]);
    await using sockets = flood(ports[0] ?? 0, 500);
    await eventually(() => logged(gateway, 'no descriptors left').length === 1);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(logged(gateway, 'no descriptors left')).toMatchObject([{ level: 'error', open: 256, agents: 2 }]);
    for (const socket of sockets) socket.destroy();
    await eventually(() => logged(gateway, 'descriptors are free again').length === 1);
    await eventually(async () => (await send(ports[0] ?? 0)).text === 'fine');
  });
});

describe('an agent with 256 descriptors', () => {
  /** Asks for 300 answers that go on, and counts what came of it. */
  async function ask(args: string[]): Promise<
    {
      program: Program;
      gateway: { admin: string };
      port: number;
      answers: Map<string, number>;
      leave: () => void;
    } & AsyncDisposable
  > {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(
      await localService((request, response) => {
        if (request.url !== '/stream') return void response.end('fine');
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.flushHeaders();
      }),
    );
    const gateway = stack.use(await testGateway({ tunnel: { admission: { maxWaiting: 0 } } }));
    const target = [`http://127.0.0.1:${service.port}`, '--id', 'a', '--gateway', `127.0.0.1:${gateway.grpcPort}`];
    const program = stack.use(new Program('agent', [...target, ...args], {}, { through: LIMITED }));
    const { port } = await urlOf(program);
    const answers = new Map<string, number>();
    const clients = new Set<ClientRequest>();
    const count = (key: string): void => void answers.set(key, (answers.get(key) ?? 0) + 1);
    for (let i = 0; i < 300; i += 1) {
      const outgoing = stack.adopt(start(port, { path: '/stream' }), (it) => void it.destroy());
      clients.add(outgoing.on('error', () => undefined));
      outgoing.end();
      const response = await headOf(outgoing);
      response.on('error', () => undefined);
      count(response.statusCode === 200 ? 'stream' : codeIn((await finish(response)).text));
    }
    const leave = (): void => {
      for (const client of clients) client.destroy();
    };
    return owning({ program, gateway, port, answers, leave }, stack);
  }

  it('serves 192 exchanges, refuses the others by name and stays connected', async () => {
    await using setup = await ask([]);
    const { program, answers } = setup;
    expect([...answers]).toEqual([
      ['stream', 192],
      ['BERTH_AGENT_BUSY', 108],
    ]);
    expect(program.stdout + program.stderr).not.toMatch(/no descriptors left|no_connection/);
  });

  it('where settings allow more, what has no descriptor gets 503, it is told once, and the agent pauses meanwhile', async () => {
    await using setup = await ask(['--local-max-connections', '1000', '--tunnel-max-exchanges', '1000']);
    const { program, gateway, port, answers, leave } = setup;
    // The latter once the agent has noticed, and asked for a pause.
    const refusals = new Set(['BERTH_LOCAL_SERVICE_BUSY', 'BERTH_AGENT_BUSY']);
    expect([...answers.keys()].filter((key) => !refusals.has(key))).toEqual(['stream']);
    expect(answers.has('BERTH_LOCAL_SERVICE_BUSY')).toBe(true);
    expect(answers.get('stream')).toBeGreaterThan(192);
    await program.printed(/no descriptors left/);
    const state = async (): Promise<string | undefined> => (await replicasOf(gateway, 'a'))[0]?.state;
    await eventually(async () => (await state()) === 'paused');
    leave();
    await program.printed(/descriptors are free again/);
    await eventually(async () => (await state()) !== 'paused');
    expect((await send(port)).text).toBe('fine');
    expect(program.stdout.match(/"level":"warn"[^\n]*"setting":"local.maxConnections"/g)).toHaveLength(1);
    expect(program.stdout.match(/no descriptors left/g)).toHaveLength(1);
    expect(program.stdout).not.toContain('no_connection');
  });
});
