import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, freePortRange } from '@berth/testing';
import {
  agentIds,
  gatewayProgram,
  logLines,
  portsOf,
  Program,
  RawAgent,
  testGateway,
  type TestGateway,
} from '@berth/testing/system';

const IDS = ['a', 'b', 'c'];

describe('leases that are kept in a file', () => {
  let folder: string;
  let file: string;
  let range: { start: number; end: number };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'berth-leases-'));
    file = join(folder, 'state.db');
    range = await freePortRange(5);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const start = (
    more: DeepPartial<GatewaySettings> = {},
    log?: Parameters<typeof testGateway>[2],
  ): Promise<TestGateway> =>
    testGateway({ ...more, http: { agentPortRange: range }, state: { file, ...more.state } }, 1, log);
  const registered = (gateway: { grpcPort: number }, id: string): Promise<RawAgent> =>
    RawAgent.registered(gateway.grpcPort, id);
  async function portFor(gateway: TestGateway, id: string): Promise<number> {
    using agent = await registered(gateway, id);
    const { port } = await agent.welcome;
    agent.close();
    await eventually(async () => !(await agentIds(gateway)).includes(id));
    return port;
  }
  const put = (gateway: { admin: string }, path: string, body: unknown): Promise<Response> =>
    fetch(`${gateway.admin}/agents/${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const free = (gateway: { admin: string }, path: string): Promise<Response> =>
    fetch(`${gateway.admin}/agents/${path}`, { method: 'DELETE' });

  it('A3: five restarts with three agents, in another order each time: the same ports', async () => {
    const seen: Record<string, number>[] = [];
    for (let round = 0; round < 6; round += 1) {
      await using gateway = await start();
      await using stack = new AsyncDisposableStack();
      const ports: Record<string, number> = {};
      // Agents that were there when the gateway ended, or had left before; some of them come and go twice.
      for (const id of [...IDS.slice(round % 3), ...IDS.slice(0, round % 3)]) {
        if (round % 2 === 1) await portFor(gateway, id);
        ports[id] = (await stack.use(await registered(gateway, id)).welcome).port;
      }
      seen.push(ports);
    }
    expect(seen).toHaveLength(6);
    for (const ports of seen) expect(ports).toEqual(seen[0]);
    expect(new Set(Object.values(seen[0] ?? {})).size).toBe(3);
  });

  it('A3: a gateway that is killed forgets no port that an agent was told of', async () => {
    const env = { STATE_FILE: file };
    const before: Record<string, number> = {};
    {
      await using gateway = await gatewayProgram(range, [], env);
      await using stack = new AsyncDisposableStack();
      for (const id of ['c', 'a', 'b']) before[id] = (await stack.use(await registered(gateway, id)).welcome).port;
      gateway.program.kill('SIGKILL');
      await gateway.program.exit;
    }
    await using gateway = await gatewayProgram(range, [], env);
    await using stack = new AsyncDisposableStack();
    for (const id of ['b', 'stranger', 'c', 'a']) {
      const { port } = await stack.use(await registered(gateway, id)).welcome;
      if (id === 'stranger') expect(Object.values(before)).not.toContain(port);
      else expect(port).toBe(before[id]);
    }
  });

  it('a pin of an agent that is away survives a restart, and so does its end', async () => {
    const port = range.end;
    {
      await using gateway = await start();
      const answer = await put(gateway, 'kiosk/ports/default', { port });
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { port, agent_id: 'kiosk', service: 'default', pinned: true, port_in_use: null },
      ]);
    }
    {
      await using gateway = await start();
      expect((await portsOf(gateway)).remembered).toMatchObject([{ port, agent_id: 'kiosk', pinned: true }]);
      expect(await portFor(gateway, 'kiosk')).toBe(port);
      expect((await free(gateway, 'kiosk/ports/default')).status).toBe(204);
      expect((await portsOf(gateway)).remembered).toEqual([]);
    }
    await using gateway = await start();
    expect(await portFor(gateway, 'kiosk')).toBe(range.start);
  });

  it.each([0, 60_000])(
    'a connected agent moves to its pinned port when it returns, held for %d ms or not',
    async (holdMs) => {
      await using gateway = await start({ agentPorts: { holdMs } });
      using agent = await registered(gateway, 'kiosk');
      const { port: first } = await agent.welcome;
      const pinned = await (await put(gateway, 'kiosk/ports/default', { port: range.end })).json();
      expect(pinned).toMatchObject({ port: range.end, port_in_use: first });
      agent.close();
      await eventually(async () => (await agentIds(gateway)).length === 0);
      using again = await registered(gateway, 'kiosk');
      expect((await again.welcome).port).toBe(range.end);
      expect(await portFor(gateway, 'other')).not.toBe(range.end);
    },
  );

  it('pins that cannot be are refused, each with its own code', async () => {
    await using gateway = await start({ agentPorts: { static: { fixed: range.start } } });
    await using stack = new AsyncDisposableStack();
    const { port: used } = await stack.use(await registered(gateway, 'b')).welcome;
    await put(gateway, 'c/ports/web', { port: range.end });
    const codeOf = async (answer: Response): Promise<unknown> => {
      const { error } = (await answer.json()) as { error: { code: string } };
      return [answer.status, error.code];
    };
    for (const [path, port, status, code] of [
      ['a/ports/default', 1, 400, 'BERTH_PORT_OUT_OF_RANGE'],
      ['a/ports/default', used, 409, 'BERTH_PORT_TAKEN'],
      ['a/ports/default', range.end, 409, 'BERTH_PORT_TAKEN'],
      ['a/ports/default', range.start, 409, 'BERTH_PORT_STATIC'],
      ['fixed/ports/default', range.end, 409, 'BERTH_PORT_STATIC'],
      ['a/ports/default', 65_536, 400, 'BERTH_BAD_REQUEST'],
      ['a/ports/default', '8100', 400, 'BERTH_BAD_REQUEST'],
      ['-a/ports/default', range.end, 400, 'BERTH_BAD_REQUEST'],
      ['a/ports/Web', range.end, 400, 'BERTH_BAD_REQUEST'],
    ] as const) {
      expect([path, port, await codeOf(await put(gateway, path, { port }))]).toEqual([path, port, [status, code]]);
    }
    expect(await codeOf(await put(gateway, 'a/ports/default', [1]))).toEqual([400, 'BERTH_BAD_REQUEST']);
    expect(await codeOf(await free(gateway, 'a/ports/default'))).toEqual([404, 'BERTH_NOT_FOUND']);
    expect(await codeOf(await free(gateway, 'fixed/ports/default'))).toEqual([409, 'BERTH_PORT_STATIC']);
  });

  it('agents of a pattern have a range of their own, and others the further ranges', async () => {
    const more = await freePortRange(2);
    const web = await freePortRange(1);
    range = await freePortRange(1);
    await using gateway = await start({
      agentPorts: {
        ranges: [`${more.start}-${more.end}`],
        rangesByAgent: { 'web-*': String(web.start) },
      },
    });
    await using stack = new AsyncDisposableStack();
    const ports: number[] = [];
    for (const id of ['one', 'web-1', 'two']) ports.push((await stack.use(await registered(gateway, id)).welcome).port);
    expect(ports).toEqual([range.start, web.start, more.start]);
    using late = new RawAgent(gateway.grpcPort).hello('web-2');
    expect((await late.status).details).toBe(`no available ports in range ${web.start}-${web.start}`);
  });

  it('an agent has the port that it asks for, where that may be asked for, and is told why not', async () => {
    const { start: wished } = await freePortRange(1);
    await using gateway = await start({ agentPorts: { requestable: [String(wished)] } });
    const ask = (id: string, port: number): RawAgent =>
      new RawAgent(gateway.grpcPort).hello(id, {
        services: [{ name: 'default', kind: '', port, healthPath: '' }],
      });
    {
      using agent = ask('a', wished);
      expect((await agent.welcome).ports).toMatchObject([{ name: 'default', port: wished }]);
      using other = ask('b', wished);
      await other.status;
      expect(other.refused).toMatchObject({ code: 'BERTH_PORT_TAKEN', message: `port ${wished} is in use by agent a` });
    }
    using refused = ask('c', range.end);
    await refused.status;
    expect(refused.refused).toMatchObject({ code: 'BERTH_PORT_NOT_REQUESTABLE', retryable: false });
    await eventually(async () => (await agentIds(gateway)).length === 0);
    expect(await portFor(gateway, 'a')).toBe(wished);
  });

  it('a file that another gateway has open ends the second one with 1 and says so', async () => {
    await using _first = await start();
    await using second = new Program('gateway', [], { STATE_FILE: file, HTTP_PORT: '0', GRPC_PORT: '0' });
    expect(await second.exit).toBe(1);
    expect(second.stderr).toContain(`state.file: ${file} is in use by another process`);
  });

  it('a damaged file ends the gateway with 1, a copy is kept, and the flag lets it begin empty', async () => {
    writeFileSync(file, 'no database at all\n'.repeat(100));
    await using refused = new Program('gateway', ['--state-file', file, '--http-port', '0', '--grpc-port', '0']);
    expect(await refused.exit).toBe(1);
    expect(refused.stderr).toContain(`state.file: ${file} is damaged`);
    expect(refused.stderr).toContain('state.resetDamaged');
    const { log, at } = logLines();
    await using gateway = await start({ state: { resetDamaged: true } }, log);
    expect(at('warn')).toContainEqual(
      expect.objectContaining({ msg: 'the state was damaged and begins empty (state.resetDamaged)', file }) as object,
    );
    expect(readdirSync(folder).filter((name) => name.includes('damaged'))).toHaveLength(1);
    expect(await portFor(gateway, 'a')).toBe(range.start);
  });

  it('a directory that is not there ends the gateway with 1 and is named', async () => {
    const missing = join(folder, 'none', 'state.db');
    await using gateway = new Program('gateway', [], { STATE_FILE: missing, HTTP_PORT: '0', GRPC_PORT: '0' });
    expect(await gateway.exit).toBe(1);
    expect(gateway.stderr).toContain(`state.file: the directory ${join(folder, 'none')} does not exist`);
  });
});
