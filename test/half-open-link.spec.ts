import { jest } from '@jest/globals';
import { eventually, tcpRelay } from '@berth/testing';
import { agentIds, type Asked, codeIn, Load, namedEcho, send, testAgent, testGateway } from '@berth/testing/system';
import { LifecycleEvents } from 'berth-gateway';

jest.setTimeout(60_000);

const PING = { pingIntervalMs: 200, pingTimeoutMs: 2000 };
/** From the last byte that passes to the end of the connection, ms: the Ping may just have been answered. */
const DEADLINE_MS = PING.pingIntervalMs + PING.pingTimeoutMs;
/** For a machine with other work, ms. */
const GRACE_MS = 1000;

describe('a link that swallows everything, and closes at neither end', () => {
  it('A12: what is under way on it fails at the ping deadline, and the agent comes back by a fresh connection', async () => {
    await using gateway = await testGateway({ tunnel: PING });
    await using service = await namedEcho('web', new Map(), { ms: 1000 });
    await using link = await tcpRelay(gateway.grpcPort);
    await using agent = await testAgent({ grpcPort: link.port }, service.port);
    // What may be repeated could find the fresh connection before its own has ended.
    const method = 'POST';
    const pending = [1, 2].map((number) => send(agent.port, { method, path: `/pending/${number}` }));
    await eventually(() => service.calls.count === 2, 20_000);
    link.swallow();
    const began = performance.now();
    const late = send(agent.port, { method, path: '/late' });
    for (const { status, text } of await Promise.all([...pending, late])) {
      expect([status, codeIn(text)]).toEqual([502, 'BERTH_AGENT_LOST']);
    }
    expect(performance.now() - began).toBeLessThan(DEADLINE_MS + GRACE_MS);
    // It is not told that its gateway has closed: it finds out by a deadline of its own.
    await eventually(async () => link.connections > 1 && (await agentIds(gateway)).length === 1, 20_000);
    expect((await send(agent.port, { path: '/again' })).text).toBe('web GET /again ');
  });

  it('A12: another replica serves meanwhile, and only what cannot be repeated is lost', async () => {
    await using gateway = await testGateway({ tunnel: { ...PING, duplicateAgent: 'share', slowStartMs: 0 } });
    await using stack = new AsyncDisposableStack();
    const asked: Asked = new Map();
    const link = stack.use(await tcpRelay(gateway.grpcPort));
    const cut = stack.use(await namedEcho('cut', asked, { ms: 10 }));
    const kept = stack.use(await namedEcho('kept', asked, { ms: 10 }));
    stack.use(await testAgent({ grpcPort: link.port }, cut.port));
    const { port } = stack.use(await testAgent(gateway, kept.port));
    await using load = new Load(port, 12);
    await eventually(() => cut.calls.count > 50 && kept.calls.count > 50, 20_000);
    const beganAt = load.elapsedMs;
    const keptBefore = kept.calls.count;
    const closed = new Promise<number>((resolve) => {
      const told = (): void => resolve(kept.calls.count - keptBefore);
      gateway.app.get(LifecycleEvents).on('connection.closed', told);
    });
    link.swallow();
    // Served while the gateway did not know yet.
    expect(await closed).toBeGreaterThan(30);
    await eventually(() => link.connections > 1, 20_000);
    const cutBefore = cut.calls.count;
    await eventually(() => cut.calls.count >= cutBefore + 30, 20_000);
    await load.stop();
    expect(load.mixedUp).toEqual([]);
    expect(load.failures.length).toBeLessThanOrEqual(12);
    for (const { key, status, text, afterMs } of load.failures) {
      expect([key.slice(0, 4), status, codeIn(text)]).toEqual(['POST', 502, 'BERTH_AGENT_LOST']);
      expect(afterMs - beganAt).toBeLessThan(DEADLINE_MS + GRACE_MS);
    }
    expect([...asked].filter(([key, times]) => key.startsWith('POST') && times > 1)).toEqual([]);
  });
});
