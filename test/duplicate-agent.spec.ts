import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import type { BerthError } from '@berth/errors';
import { GoawayReason } from '@berth/tunnel-protocol';
import { eventually, localService } from '@berth/testing';
import {
  agentIds,
  answer,
  listAgents,
  listens,
  logLines,
  RawAgent,
  testAgent,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';
import { AgentRegistry } from 'berth-gateway';

describe('two agents with one id', () => {
  const registered = async (grpcPort: number, instanceId: string): Promise<RawAgent> =>
    await RawAgent.registered(grpcPort, 'twin', { instanceId });

  const newcomer = (grpcPort: number, instanceId: string): RawAgent =>
    new RawAgent(grpcPort).hello('twin', { instanceId });

  const start = async (tunnel: DeepPartial<GatewaySettings['tunnel']> = {}): Promise<TestGateway> =>
    await testGateway({ tunnel });

  it('A11: the second replaces the first on the same port, and the clean-up of the first changes nothing', async () => {
    await using gateway = await start({ duplicateAgent: 'replace' });
    using first = await registered(gateway.grpcPort, 'one');
    const { port } = await first.welcome;
    using second = await registered(gateway.grpcPort, 'two');
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
    await using gateway = await start({ duplicateAgent: 'replace' });
    using first = await registered(gateway.grpcPort, 'one');
    const { port } = await first.welcome;
    const pending = fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' });
    await eventually(() => first.opened[0]);
    await using stack = new AsyncDisposableStack();
    stack.use(await registered(gateway.grpcPort, 'two'));
    expect((await pending).status).toBe(502);
  });

  it('A11: a replaced agent does not fight and does not end: it comes back at the slowest pace', async () => {
    await using service = await localService((_, response) => response.end());
    await using gateway = await start({ duplicateAgent: 'replace' });
    const reconnect = { minMs: 1, maxMs: 1000, stableAfterMs: 0 };
    await using first = await testAgent(gateway, service.port, { id: 'twin', reconnect });
    const lost = once(first.client, 'lost');
    const back = once(first.client, 'ready');
    const second = await testAgent(gateway, service.port, { id: 'twin' });
    const [{ reason, retryInMs }] = (await lost) as [{ reason: BerthError; retryInMs: number }];
    expect(reason.code).toBe('BERTH_CONNECTION_REPLACED');
    expect(retryInMs).toBeGreaterThanOrEqual(750);
    expect(second.port).toBe(first.port);
    expect((await fetch(second.url)).status).toBe(200);
    await second.stop();
    await back;
    expect((await fetch(first.url)).status).toBe(200);
  });

  it('A11: one that answers stays; the newcomer is told, and takes its turn when the first is gone', async () => {
    await using service = await localService((_, response) => response.end('one'));
    await using gateway = await start();
    const first = await testAgent(gateway, service.port, { id: 'twin' });
    let losses = 0;
    first.client.on('lost', () => (losses += 1));
    const settings = { id: 'twin', reconnect: { minMs: 10, maxMs: 50 } };
    const lines = logLines();
    const second = testAgent(gateway, service.port, settings, lines.log);
    await eventually(() => lines.at('warn').length > 3);
    expect(lines.at('warn')[0]).toMatchObject({
      code: 'BERTH_AGENT_EXISTS',
      reason:
        'agent twin is connected from another process, which answers (tunnel.duplicateAgent: probe): give this one another id',
    });
    expect(losses).toBe(0);
    expect(await (await fetch(first.url)).text()).toBe('one');
    await first.stop();
    await using _took = await second;
  });

  it('A11: one that hangs is replaced after the time of one ping', async () => {
    await using gateway = await start({ duplicateProbeMs: 150 });
    using hung = await registered(gateway.grpcPort, 'one');
    hung.deaf = true;
    const since = performance.now();
    using second = newcomer(gateway.grpcPort, 'two');
    expect((await second.welcome).port).toBe((await hung.welcome).port);
    expect(performance.now() - since).toBeGreaterThanOrEqual(149);
    // The gateway's own pings would have taken 10 s to find it.
    expect(performance.now() - since).toBeLessThan(5000);
    expect((await hung.status).code).toBe(status.ABORTED);
  });

  it('A11: one whose connection breaks while it is asked makes way at once', async () => {
    await using gateway = await start({ duplicateProbeMs: 5000 });
    using hung = await registered(gateway.grpcPort, 'one');
    hung.deaf = true;
    using second = newcomer(gateway.grpcPort, 'two');
    const [held] = gateway.app.get(AgentRegistry).get('twin')?.connections ?? [];
    await eventually(() => (held as unknown as { probe: unknown }).probe);
    hung.close();
    expect((await second.welcome).port).toBeGreaterThan(0);
  });

  it('A11: of several that wait for a silent one, one is taken', async () => {
    await using gateway = await start({ duplicateProbeMs: 150 });
    await using stack = new AsyncDisposableStack();
    stack.use(await registered(gateway.grpcPort, 'one')).deaf = true;
    const others = ['two', 'three', 'four'].map((id) => stack.use(newcomer(gateway.grpcPort, id)));
    const outcomes = others.map(async (it) => {
      await Promise.race([it.welcome, it.status]);
      return it.refused?.code ?? 'welcome';
    });
    const exists = 'BERTH_AGENT_EXISTS';
    expect((await Promise.all(outcomes)).sort()).toEqual([exists, exists, 'welcome']);
    expect(others.flatMap(({ goaways }) => goaways)).toEqual([]);
  });

  it('A11: one that leaves gives its place at once, and still ends what it answers', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService((request, response) => {
      if (request.url === '/quick') return response.end('quick');
      response.write('begun ');
      return (finish = () => response.end('and done'));
    });
    await using gateway = await start({ duplicateProbeMs: 5000 });
    const first = await testAgent(gateway, service.port, { id: 'twin', shutdown: { timeoutMs: 10_000 } });
    const long = await fetch(first.url);
    const stopped = first.stop();
    await eventually(() => gateway.app.get(AgentRegistry).get('twin')?.connections[0]?.leaving);
    await using second = await testAgent(gateway, service.port, { id: 'twin' });
    expect(await (await fetch(`${second.url}/quick`)).text()).toBe('quick');
    finish?.();
    expect(await long.text()).toBe('begun and done');
    await stopped;
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'twin', connections: 1 }]);
  });

  it('A11: with reject the second is refused, and the first is not disturbed', async () => {
    await using gateway = await start({ duplicateAgent: 'reject' });
    using first = await registered(gateway.grpcPort, 'one');
    using second = newcomer(gateway.grpcPort, 'two');
    expect((await second.status).code).toBe(status.ALREADY_EXISTS);
    expect(second.refused).toMatchObject({ code: 'BERTH_AGENT_EXISTS', retryable: true });
    const request = fetch(`http://127.0.0.1:${(await first.welcome).port}/`);
    answer(await eventually(() => first.opened[0]), 'undisturbed');
    expect(await (await request).text()).toBe('undisturbed');
  });

  it.each(['probe', 'replace', 'reject'] as const)(
    'A11: both at the same time end with one of them (%s)',
    async (policy) => {
      await using gateway = await start({ duplicateAgent: policy });
      await using stack = new AsyncDisposableStack();
      const agents = ['one', 'two', 'three'].map((instanceId) => stack.use(newcomer(gateway.grpcPort, instanceId)));
      await eventually(async () => (await listAgents(gateway)).length === 1);
      const losers = await eventually(() => {
        const ended = agents.filter(({ session }) => session.closed || session.bytesReceived > 0);
        return ended.length === 3 ? agents.filter((it) => it.refused ?? it.goaways.length) : undefined;
      });
      await eventually(() => agents.filter((it) => it.refused ?? it.goaways[0]).length === 2);
      expect(losers.length).toBeLessThanOrEqual(2);
      expect(gateway.app.get(AgentRegistry).get('twin')?.connections).toHaveLength(1);
      expect(await listens(gateway.range.start)).toBe(true);
    },
  );

  it('connections of one process stand side by side', async () => {
    await using gateway = await start();
    await using stack = new AsyncDisposableStack();
    stack.use(await registered(gateway.grpcPort, 'same'));
    stack.use(await registered(gateway.grpcPort, 'same'));
    expect(await listAgents(gateway)).toMatchObject([{ agent_id: 'twin', connections: 2 }]);
  });
});
