import { status } from '@grpc/grpc-js';
import { GoawayReason } from '#tunnel-protocol';
import { eventually } from '#testing';
import { AgentRegistry } from '../apps/gateway/src/index.js';
import { agentIds, listAgents, listens } from './support/admin.js';
import { Cleanup, localService, testAgent, testGateway } from './support/harness.js';
import { answer, RawAgent } from './support/raw-agent.js';

describe('two agents with one id', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  const registered = async (grpcPort: number, instanceId: string): Promise<RawAgent> =>
    cleanup.add(await RawAgent.registered(grpcPort, 'twin', { instanceId }), (it) => it.close());

  it('A11: the second replaces the first on the same port, and the clean-up of the first changes nothing', async () => {
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const first = await registered(gateway.grpcPort, 'one');
    const { port } = await first.welcome;
    const second = await registered(gateway.grpcPort, 'two');
    expect((await second.welcome).port).toBe(port);
    expect((await first.status).code).toBe(status.ABORTED);
    expect(first.goaways).toMatchObject([{ reason: GoawayReason.replaced, reconnect: false }]);
    first.close();
    // A round trip that leaves time for any late clean-up of the first.
    expect(await agentIds(gateway)).toEqual(['twin']);
    const request = fetch(`http://127.0.0.1:${port}/`);
    answer(await eventually(() => second.opened[0]), 'from the second');
    expect(await (await request).text()).toBe('from the second');
    expect(first.opened).toEqual([]);
  });

  it('A11: what ran on the replaced connection fails at once', async () => {
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const first = await registered(gateway.grpcPort, 'one');
    const { port } = await first.welcome;
    const pending = fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' });
    await eventually(() => first.opened[0]);
    await registered(gateway.grpcPort, 'two');
    expect((await pending).status).toBe(502);
  });

  it('A11: a replaced agent gives up instead of fighting', async () => {
    const service = cleanup.add(await localService((_, response) => response.end()), (it) => it.close());
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const first = cleanup.add(await testAgent(gateway, service.port, { id: 'twin' }), (it) => it.stop());
    const second = cleanup.add(await testAgent(gateway, service.port, { id: 'twin' }), (it) => it.stop());
    expect(await first.failed).toMatchObject({ code: 'BERTH_CONNECTION_REPLACED' });
    expect(second.port).toBe(first.port);
    expect((await fetch(second.url)).status).toBe(200);
  });

  it('A11: with reject the second is refused, and the first is not disturbed', async () => {
    const gateway = cleanup.add(await testGateway({ tunnel: { duplicateAgent: 'reject' } }), (it) => it.close());
    const first = await registered(gateway.grpcPort, 'one');
    const second = cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close());
    second.hello('twin', { instanceId: 'two' });
    expect((await second.status).code).toBe(status.ALREADY_EXISTS);
    expect(second.refused).toMatchObject({ code: 'BERTH_AGENT_EXISTS', retryable: true });
    const request = fetch(`http://127.0.0.1:${(await first.welcome).port}/`);
    answer(await eventually(() => first.opened[0]), 'undisturbed');
    expect(await (await request).text()).toBe('undisturbed');
  });

  it.each(['replace', 'reject'] as const)('A11: both at the same time end with one of them (%s)', async (policy) => {
    const gateway = cleanup.add(await testGateway({ tunnel: { duplicateAgent: policy } }), (it) => it.close());
    const agents = ['one', 'two', 'three'].map((instanceId) =>
      cleanup.add(new RawAgent(gateway.grpcPort), (it) => it.close()).hello('twin', { instanceId }),
    );
    await eventually(async () => (await listAgents(gateway)).length === 1);
    const losers = await eventually(() => {
      const ended = agents.filter(({ session }) => session.closed || session.bytesReceived > 0);
      return ended.length === 3 ? agents.filter((it) => it.refused ?? it.goaways.length) : undefined;
    });
    await eventually(() => agents.filter((it) => it.refused ?? it.goaways[0]).length === 2);
    expect(losers.length).toBeLessThanOrEqual(2);
    expect(gateway.app.get(AgentRegistry).get('twin')?.connections.all).toHaveLength(1);
    expect(await listens(gateway.range.start)).toBe(true);
  });

  it('connections of one process stand side by side', async () => {
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    await registered(gateway.grpcPort, 'same');
    await registered(gateway.grpcPort, 'same');
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'twin', connections: 2 }]);
  });
});
