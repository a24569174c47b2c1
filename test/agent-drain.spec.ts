import { LifecycleEvents } from 'berth-gateway';
import { eventually, localService } from '@berth/testing';
import {
  codeIn,
  type ListedReplica,
  logLines,
  metric,
  RawAgent,
  replicasOf,
  send,
  testAgent,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';

describe('C12: draining an agent, or one of its replicas', () => {
  const ask = (gateway: TestGateway, path: string): Promise<Response> =>
    fetch(`${gateway.admin}/agents/${path}`, { method: 'POST' });

  it('it stays connected, ends what runs, and answers 503 with Retry-After until undrain', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService((request, response) => {
      if (request.url === '/quick') return response.end('quick');
      response.write('begun ');
      return (finish = () => response.end('and done'));
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const long = await fetch(agent.url);
    const drained = await ask(gateway, 'agent-1/drain');
    expect([drained.status, await drained.json()]).toMatchObject([
      200,
      { connections: 1, in_flight: 1, state: 'draining', state_reason: 'drained by an operator' },
    ]);
    const refused = await send(agent.port, { path: '/quick' });
    expect([refused.status, codeIn(refused.text)]).toEqual([503, 'BERTH_DRAINING']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    finish?.();
    expect(await long.text()).toBe('begun and done');
    await eventually(async () => (await replicasOf(gateway, 'agent-1'))[0]?.in_flight === 0);

    const undrained = await ask(gateway, 'agent-1/undrain');
    expect([undrained.status, await undrained.json()]).toMatchObject([200, { state: 'healthy', state_reason: '' }]);
    expect((await send(agent.port, { path: '/quick' })).text).toBe('quick');
  });

  it('one connection is left for a new one, and what runs on it ends', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService((_request, response) => {
      response.write('begun ');
      finish = () => response.end('and done');
    });
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port);
    const connections = async (): Promise<string[]> => {
      const shown = (await (await fetch(`${gateway.admin}/agents/agent-1`)).json()) as {
        connection_list: { connection_id: string }[];
      };
      return shown.connection_list.map(({ connection_id: id }) => id);
    };
    const end = (id: string): Promise<Response> =>
      fetch(`${gateway.admin}/agents/agent-1/connections/${id}`, { method: 'DELETE' });
    const [before = ''] = await connections();
    const long = await fetch(agent.url);
    expect((await end(before)).status).toBe(204);
    await eventually(async () => (await connections()).some((id) => id !== before));
    finish?.();
    expect(await long.text()).toBe('begun and done');
    await eventually(async () => !(await connections()).includes(before));
    expect(await connections()).toHaveLength(1);
    const missing = await end(before);
    expect([missing.status, codeIn(await missing.text())]).toEqual([404, 'BERTH_NOT_FOUND']);
  });

  it('of two replicas one is drained and no request fails', async () => {
    const names = ['a', 'b'];
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway({ tunnel: { duplicateAgent: 'share', slowStartMs: 0 } }));
    let port = 0;
    for (const name of names) {
      const service = stack.use(
        await localService((request, response) => {
          request.resume().on('end', () => setTimeout(() => response.end(name), 2));
        }),
      );
      ({ port } = stack.use(await testAgent(gateway, service.port)));
    }
    const answers: string[] = [];
    let over = false;
    const clients = Array.from({ length: 6 }, async (_, i) => {
      while (!over) {
        const { status, text } = await send(port, { method: i % 2 === 0 ? 'GET' : 'POST', body: 'x' });
        answers.push(status === 200 ? text : `${status} ${text}`);
      }
    });
    const more = async (count: number): Promise<string[]> => {
      const from = answers.length;
      await eventually(() => answers.length >= from + count, 20_000);
      return answers.slice(from);
    };
    expect(new Set(await more(100))).toEqual(new Set(names));
    const [first] = await replicasOf(gateway, 'agent-1');
    const drained = await ask(gateway, `agent-1/drain?replica=${first?.replica_id ?? ''}`);
    const listed = (await drained.json()) as { state: string; replica_list: ListedReplica[] };
    expect(listed.state).toBe('healthy');
    expect(listed.replica_list.map((it) => [it.state, it.drained])).toEqual([
      ['draining', true],
      ['healthy', false],
    ]);
    await eventually(async () => (await replicasOf(gateway, 'agent-1'))[0]?.in_flight === 0);
    await more(12);
    expect(new Set(await more(100))).toEqual(new Set(['b']));
    await ask(gateway, `agent-1/undrain?replica=${first?.replica_id ?? ''}`);
    await eventually(() => answers.at(-1) === 'a', 20_000);
    over = true;
    await Promise.all(clients);
    expect(answers.filter((it) => !names.includes(it))).toEqual([]);
  });

  it.each([
    ['nobody/drain', 404],
    ['agent-1/drain?replica=nobody', 404],
    ['agent-1/undrain?replica=nobody', 404],
    ['agent-1/drain?replica=a&replica=b', 400],
    ['agent-1/drain?replca=nobody', 400],
    ['agent-1/undrain?all=true', 400],
  ])('%s is answered with %i, and nothing is drained', async (path, expected) => {
    await using gateway = await testGateway();
    using _agent = await RawAgent.registered(gateway.grpcPort, 'agent-1');
    expect((await ask(gateway, path)).status).toBe(expected);
    expect((await replicasOf(gateway, 'agent-1')).map(({ state }) => state)).toEqual(['healthy']);
  });

  it('a replica that goes while others stay has a line in the log', async () => {
    const lines = logLines();
    await using gateway = await testGateway({ tunnel: { duplicateAgent: 'share' } }, 4, lines.log);
    using _stays = await RawAgent.registered(gateway.grpcPort, 'agent-1', { instanceId: 'one' });
    const goes = await RawAgent.registered(gateway.grpcPort, 'agent-1', { instanceId: 'two' });
    const { connectionId } = await goes.welcome;
    goes[Symbol.dispose]();
    await eventually(() => lines.lines.some(({ msg }) => msg === 'connection closed'));
    const line = lines.lines.find(({ msg }) => msg === 'connection closed');
    expect(line).toMatchObject({ level: 'info', agentId: 'agent-1', connectionId });
    expect(lines.lines.filter(({ msg }) => msg === 'agent disconnected')).toEqual([]);
  });

  it('each change of state is logged once, counted, an event, and shown with reason and since when', async () => {
    const lines = logLines();
    await using gateway = await testGateway({}, 4, lines.log);
    const events: unknown[] = [];
    gateway.app.get(LifecycleEvents).on('connection.health', (event) => void events.push(event));
    using agent = await RawAgent.registered(gateway.grpcPort, 'agent-1', { instanceId: 'one' });
    const before = Date.now();
    for (const path of ['drain', 'drain', 'undrain']) await ask(gateway, `agent-1/${path}`);
    const [shown] = await replicasOf(gateway, 'agent-1');
    expect(shown).toMatchObject({ replica_id: 'one', connections: 1, in_flight: 0, state: 'healthy', drained: false });
    expect(Date.parse(shown?.state_since ?? '')).toBeGreaterThanOrEqual(before - 5);

    const names = lines.lines
      .filter(({ msg }) => msg.startsWith('connection is '))
      .map(({ level, msg }) => [level, msg]);
    expect(names).toEqual([
      ['debug', 'connection is healthy'],
      ['info', 'connection is draining'],
      ['info', 'connection is healthy'],
    ]);
    const { connectionId } = await agent.welcome;
    const common = { agentId: 'agent-1', service: 'default', replicaId: 'one', connectionId };
    await eventually(() => events.length === 3);
    expect(events).toEqual([
      { ...common, from: 'connecting', to: 'healthy', reason: '' },
      { ...common, from: 'healthy', to: 'draining', reason: 'drained by an operator' },
      { ...common, from: 'draining', to: 'healthy', reason: '' },
    ]);
    expect(await metric(gateway, 'berth_connection_health_changes_total')).toBe(3);
  });
});
