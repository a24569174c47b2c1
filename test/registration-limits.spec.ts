import { status } from '@grpc/grpc-js';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, localService } from '@berth/testing';
import {
  agentIds,
  helloOf,
  listAgents,
  portsOf,
  RawAgent,
  type TestAgent,
  testAgent,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';

describe('limits and bad input of registrations', () => {
  let started: AsyncDisposableStack;
  let bystander: TestAgent;

  afterEach(async () => {
    await using _ended = started;
    // Whatever somebody else did: an agent that was there before is still served, and was never gone.
    expect(await (await fetch(bystander.url)).text()).toBe('undisturbed');
    expect(losses).toBe(0);
  });

  let losses = 0;
  const start = async (tunnel: DeepPartial<GatewaySettings['tunnel']> = {}): Promise<TestGateway> => {
    losses = 0;
    started = new AsyncDisposableStack();
    const service = started.use(await localService((_, response) => response.end('undisturbed')));
    const gateway = started.use(await testGateway({ tunnel }));
    bystander = started.use(await testAgent(gateway, service.port, { id: 'bystander' }));
    bystander.client.on('lost', () => (losses += 1));
    return gateway;
  };
  let opened: RawAgent[] = [];
  beforeEach(() => (opened = []));
  const rawAgent = (gateway: TestGateway): RawAgent => {
    const agent = started.use(new RawAgent(gateway.grpcPort));
    opened.push(agent);
    return agent;
  };

  it('an agent may hold maxConnectionsPerAgent connections, even if all come at once', async () => {
    const gateway = await start({ maxConnectionsPerAgent: 3 });
    const agents = Array.from({ length: 8 }, () => rawAgent(gateway).hello('many'));
    await eventually(() => agents.filter(({ refused }) => refused).length === 5);
    for (const { refused } of agents) expect(refused?.code ?? '').toMatch(/^$|^BERTH_TOO_MANY_CONNECTIONS$/);
    expect((await listAgents(gateway)).find(({ agent_id }) => agent_id === 'many')?.connections).toBe(3);
    const refused = agents.find((it) => it.refused);
    expect((await refused?.status)?.code).toBe(status.RESOURCE_EXHAUSTED);
  });

  it('C17: an id that is not allowed is refused for good, exact or by pattern', async () => {
    const gateway = await start({ allowedAgentIds: ['bystander', 'web-*'] });
    await rawAgent(gateway).hello('web-7').welcome;
    const denied = rawAgent(gateway).hello('db-7');
    expect((await denied.status).code).toBe(status.PERMISSION_DENIED);
    expect(denied.refused).toMatchObject({
      code: 'BERTH_AGENT_NOT_ALLOWED',
      message: 'agent id db-7 may not register (tunnel.allowedAgentIds)',
      retryable: false,
    });
  });

  it.each([
    [{ maxAgents: 2 }, 'there are 2 agents already (tunnel.maxAgents)'],
    [{ maxAgentsPerAddress: 2 }, '127.0.0.1 has 2 agents already (tunnel.maxAgentsPerAddress)'],
  ])(
    'C17: with %j the third agent is refused until one leaves; those that are here may open more',
    async (limit, message) => {
      const gateway = await start(limit);
      const second = rawAgent(gateway).hello('second');
      await second.welcome;
      await rawAgent(gateway).hello('second').welcome;
      const third = rawAgent(gateway).hello('third');
      expect((await third.status).code).toBe(status.RESOURCE_EXHAUSTED);
      expect(third.refused).toMatchObject({ code: 'BERTH_TOO_MANY_AGENTS', message, retryable: true });
      for (const agent of opened) agent.close();
      await eventually(async () => (await agentIds(gateway)).join() === 'bystander');
      await rawAgent(gateway).hello('third').welcome;
    },
  );

  it('more handshakes at once than maxPendingHandshakes are refused, and there is room again later', async () => {
    const gateway = await start({ maxPendingHandshakes: 2 });
    const waiting = [rawAgent(gateway), rawAgent(gateway)];
    for (const agent of waiting) agent.call.write(Buffer.alloc(0));
    // Which of them are the first two is the network's choice: whoever is third is refused.
    const agents = [...waiting, rawAgent(gateway)];
    agents[2]?.call.write(Buffer.alloc(0));
    const refused = await eventually(() => agents.find((it) => it.refused));
    expect(refused.refused).toMatchObject({ code: 'BERTH_TOO_MANY_CONNECTIONS', retryable: true });
    for (const agent of agents) if (agent !== refused) agent.hello(`late-${agents.indexOf(agent)}`);
    await Promise.all(agents.filter((it) => it !== refused).map(({ welcome }) => welcome));
    await rawAgent(gateway).hello('later').welcome;
  });

  it('A14: a stream that sends nothing ends with the handshake timeout', async () => {
    const gateway = await start({ handshakeTimeoutMs: 100 });
    const agent = rawAgent(gateway);
    expect((await agent.status).code).toBe(status.DEADLINE_EXCEEDED);
    expect(agent.refused).toMatchObject({ code: 'BERTH_HANDSHAKE_TIMEOUT' });
  });

  it.each([
    ['garbage', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['random bytes', Buffer.from('fffefdfcfbfa00112233445566778899', 'hex')],
    ['a frame cut short', Buffer.from([0x0a, 0x7f, 0x08])],
  ])('%s as the first message ends that connection', async (_, bytes) => {
    const gateway = await start();
    const agent = rawAgent(gateway);
    agent.call.write(bytes);
    expect((await agent.status).code).toBe(status.INVALID_ARGUMENT);
  });

  it('a frame before Hello ends that connection', async () => {
    const gateway = await start();
    const agent = rawAgent(gateway);
    agent.session.sendPing(1);
    expect((await agent.status).code).toBe(status.INVALID_ARGUMENT);
  });

  it('a second Hello ends that connection, and its port is free', async () => {
    const gateway = await start();
    const agent = rawAgent(gateway).hello('twice');
    await agent.welcome;
    agent.hello('twice');
    expect((await agent.status).code).toBe(status.INVALID_ARGUMENT);
    await eventually(async () => (await portsOf(gateway)).used === 1);
  });

  it('two Hellos in one batch are no registration', async () => {
    const gateway = await start();
    const agent = rawAgent(gateway).hello('one').hello('two');
    expect((await agent.status).code).toBe(status.INVALID_ARGUMENT);
    await eventually(async () => (await portsOf(gateway)).used === 1);
    expect(await agentIds(gateway)).toEqual(['bystander']);
  });

  it.each([
    ['an entry that is too long', { k: 'v'.repeat(300) }],
    ['too many entries', Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 'v']))],
  ])('metadata with %s is refused', async (_, metadata) => {
    const gateway = await start();
    const agent = rawAgent(gateway).hello('chatty', { metadata });
    expect((await agent.status).code).toBe(status.INVALID_ARGUMENT);
    expect(agent.refused?.message).toContain('metadata');
  });

  it.each([
    ['no version that is known', { versions: [7, 8] }, status.FAILED_PRECONDITION],
    ['no version at all', { versions: [] }, status.FAILED_PRECONDITION],
    ['no limits', { limits: { maxExchanges: 0, initialWindowBytes: 0 } }, status.INVALID_ARGUMENT],
  ])('a Hello with %s is refused for good', async (_, overrides, code) => {
    const gateway = await start();
    const agent = rawAgent(gateway).hello('odd', overrides);
    expect((await agent.status).code).toBe(code);
    expect(agent.refused?.retryable).toBe(false);
  });

  it('what an agent says of its version and process is cut to size', async () => {
    const gateway = await start();
    const { softwareVersion } = helloOf('x', { softwareVersion: 'v'.repeat(1000) });
    await rawAgent(gateway).hello('long', { softwareVersion }).welcome;
    const answer = (await (await fetch(`${gateway.admin}/agents/long`)).json()) as { version: string };
    expect(answer.version).toHaveLength(64);
  });

  it('a gRPC message above the limit ends its call, and no other', async () => {
    const gateway = await start();
    const agent = rawAgent(gateway).hello('huge');
    await agent.welcome;
    agent.call.write(Buffer.alloc(2 * 1024 * 1024));
    expect((await agent.status).code).toBe(status.RESOURCE_EXHAUSTED);
    await eventually(async () => (await agentIds(gateway)).join() === 'bystander');
  });

  it('a hundred connections that break off in their handshake leave nothing behind', async () => {
    const gateway = await start({ maxPendingHandshakes: 200 });
    const agents = Array.from({ length: 100 }, (_, i) => rawAgent(gateway).hello(`brief-${i % 3}`));
    for (const agent of agents) agent.close();
    await Promise.all(agents.map((agent) => agent.status));
    await eventually(async () => (await portsOf(gateway)).used === 1);
    await eventually(async () => (await agentIds(gateway)).join() === 'bystander');
  });
});
