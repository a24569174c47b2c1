import { status } from '@grpc/grpc-js';
import { Cleanup, eventually, localService } from '@berth/testing';
import { agentIds, logLines, portsOf, RawAgent, testAgent, testGateway } from '@berth/testing/system';

describe('the port range is exhausted', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  it('A2: the fourth agent of three ports is refused, with the reason and the figures in the log', async () => {
    const { log, at } = logLines();
    const gateway = cleanup.add(await testGateway({}, 3, log), (it) => it.close());
    const { start, end } = gateway.range;
    for (const id of ['a', 'b', 'c']) {
      cleanup.add(await RawAgent.registered(gateway.grpcPort, id), (it) => it.close());
    }
    const fourth = cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close()).hello('d');
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

  it('A18: three ports, the fourth agent waits, one leaves, the fourth gets its port', async () => {
    const service = cleanup.add(await localService((_, response) => response.end('served')), (it) => it.close());
    const gateway = cleanup.add(await testGateway({}, 3), (it) => it.close());
    const agents = [];
    for (const id of ['a', 'b', 'c']) {
      agents.push(cleanup.add(await testAgent(gateway, service.port, { id }), (it) => it.stop()));
    }
    const fourth = testAgent(gateway, service.port, { id: 'd' });
    await agents[1]?.stop();
    const late = cleanup.add(await fourth, (it) => it.stop());
    expect(late.port).toBe(agents[1]?.port);
    expect(await (await fetch(late.url)).text()).toBe('served');
    expect(await agentIds(gateway)).toEqual(['a', 'c', 'd']);
  });

  it('A3: an agent that returns gets its old port, and issue 8, C14: a stranger one that nobody had', async () => {
    const gateway = cleanup.add(await testGateway({}, 3), (it) => it.close());
    const first = await RawAgent.registered(gateway.grpcPort, 'first');
    const second = await RawAgent.registered(gateway.grpcPort, 'second');
    const { port } = await second.welcome;
    first.close();
    second.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    const again = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'second'), (it) => it.close());
    expect((await again.welcome).port).toBe(port);
    const stranger = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'stranger'), (it) => it.close());
    expect((await stranger.welcome).port).toBe(gateway.range.end);
  });

  it('A3: an agent whose old port is taken gets another', async () => {
    const gateway = cleanup.add(await testGateway({}, 2), (it) => it.close());
    const first = await RawAgent.registered(gateway.grpcPort, 'first');
    first.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    // The first stranger takes the port that nobody had; for the second only the agent's is left.
    const leaving = await RawAgent.registered(gateway.grpcPort, 'stranger-1');
    const staying = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'stranger-2'), (it) => it.close());
    expect((await staying.welcome).port).toBe(gateway.range.start);
    leaving.close();
    await eventually(async () => (await portsOf(gateway)).used === 1);
    const again = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'first'), (it) => it.close());
    expect((await again.welcome).port).toBe(gateway.range.end);
  });

  it('issue 8, C14: an agent that restarts finds its port, though another registered meanwhile', async () => {
    const gateway = cleanup.add(await testGateway({}, 2), (it) => it.close());
    const before = await RawAgent.registered(gateway.grpcPort, 'one');
    const { port } = await before.welcome;
    before.close();
    await eventually(async () => (await portsOf(gateway)).used === 0);
    const two = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'two'), (it) => it.close());
    expect((await two.welcome).port).not.toBe(port);
    const after = cleanup.add(await RawAgent.registered(gateway.grpcPort, 'one'), (it) => it.close());
    expect((await after.welcome).port).toBe(port);
  });
});
