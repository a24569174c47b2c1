import { status } from '@grpc/grpc-js';
import { disposable, eventually, localService } from '@berth/testing';
import { agentIds, logLines, portsOf, RawAgent, testAgent, testGateway } from '@berth/testing/system';

describe('the port range is exhausted', () => {
  it('A2: the fourth agent of three ports is refused, with the reason and the figures in the log', async () => {
    const { log, at } = logLines();
    await using gateway = await testGateway({}, 3, log);
    const { start, end } = gateway.range;
    await using stack = new AsyncDisposableStack();
    for (const id of ['a', 'b', 'c']) {
      stack.use(await RawAgent.registered(gateway.grpcPort, id));
    }
    using fourth = new RawAgent(gateway.grpcPort).hello('d');
    expect(await fourth.status).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: `no available ports in range ${start}-${end}`,
    });
    expect(fourth.refused).toEqual({
      code: 'BERTH_PORTS_EXHAUSTED',
      message: `no available ports in range ${start}-${end}`,
      retryable: true,
    });
    expect(at('warn').find(({ msg }) => msg === 'port range exhausted')).toMatchObject({
      agentId: 'd',
      start,
      end,
      total: 3,
      used: 3,
      free: 0,
    });
    expect(await agentIds(gateway)).toEqual(['a', 'b', 'c']);
  });

  it('A16: of many agents that find no port a few are told in the log', async () => {
    const { log, at } = logLines();
    await using gateway = await testGateway({}, 1, log);
    using _only = await RawAgent.registered(gateway.grpcPort, 'only');
    for (let i = 0; i < 12; i += 1) {
      using late = new RawAgent(gateway.grpcPort).hello(`late-${i}`);
      expect(await late.status).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    }
    expect(at('warn').filter(({ msg }) => msg === 'port range exhausted')).toHaveLength(5);
  });

  it('A18: three ports, the fourth agent waits, one leaves, the fourth gets its port', async () => {
    await using service = await localService((_, response) => response.end('served'));
    await using gateway = await testGateway({}, 3);
    const agents = [];
    await using stack = new AsyncDisposableStack();
    for (const id of ['a', 'b', 'c']) {
      agents.push(stack.use(await testAgent(gateway, service.port, { id })));
    }
    const fourth = testAgent(gateway, service.port, { id: 'd' });
    await agents[1]?.stop();
    await using late = disposable(await fourth, (it) => it.stop());
    expect(late.port).toBe(agents[1]?.port);
    expect(await (await fetch(late.url)).text()).toBe('served');
    expect(await agentIds(gateway)).toEqual(['a', 'c', 'd']);
  });

  it('A3: an agent that returns gets its old port, and a stranger one that nobody had', async () => {
    await using gateway = await testGateway({}, 3);
    const first = await RawAgent.registered(gateway.grpcPort, 'first');
    const second = await RawAgent.registered(gateway.grpcPort, 'second');
    const { port } = await second.welcome;
    first.close();
    second.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    using again = await RawAgent.registered(gateway.grpcPort, 'second');
    expect((await again.welcome).port).toBe(port);
    using stranger = await RawAgent.registered(gateway.grpcPort, 'stranger');
    expect((await stranger.welcome).port).toBe(gateway.range.end);
  });

  it('A3: an agent whose old port is taken gets another', async () => {
    await using gateway = await testGateway({}, 2);
    const first = await RawAgent.registered(gateway.grpcPort, 'first');
    first.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    // The first stranger takes the port that nobody had; for the second only the agent's is left.
    const leaving = await RawAgent.registered(gateway.grpcPort, 'stranger-1');
    using staying = await RawAgent.registered(gateway.grpcPort, 'stranger-2');
    expect((await staying.welcome).port).toBe(gateway.range.start);
    leaving.close();
    await eventually(async () => (await portsOf(gateway)).used === 1);
    using again = await RawAgent.registered(gateway.grpcPort, 'first');
    expect((await again.welcome).port).toBe(gateway.range.end);
  });

  it('A3: an agent that restarts finds its port, though another registered meanwhile', async () => {
    await using gateway = await testGateway({}, 2);
    const before = await RawAgent.registered(gateway.grpcPort, 'one');
    const { port } = await before.welcome;
    before.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    using two = await RawAgent.registered(gateway.grpcPort, 'two');
    expect((await two.welcome).port).not.toBe(port);
    using after = await RawAgent.registered(gateway.grpcPort, 'one');
    expect((await after.welcome).port).toBe(port);
  });
});
