import { jest } from '@jest/globals';
import { eventually } from '@berth/testing';
import {
  agentIds,
  type Asked,
  codeIn,
  Load,
  namedEcho,
  Program,
  replicasOf,
  send,
  testAgent,
  type TestGateway,
  testGateway,
  urlOf,
} from '@berth/testing/system';
import { AgentRegistry } from 'berth-gateway';

jest.setTimeout(60_000);

const PING = { pingIntervalMs: 200, pingTimeoutMs: 2000 };
/** From the moment in which an agent stops to the end of its connection, ms: the Ping may just have been answered. */
const DEADLINE_MS = PING.pingIntervalMs + PING.pingTimeoutMs;

describe('an agent that is stopped, and goes on later', () => {
  /** An agent as a process of its own. */
  async function program({ grpcPort }: TestGateway, target: number): Promise<Program> {
    const agent = new Program('agent', [String(target), '--id', 'agent-1', '--gateway', `127.0.0.1:${grpcPort}`]);
    await urlOf(agent);
    return agent;
  }

  it('A12: the first 502 comes within the ping deadline and a second, and it serves again when it goes on', async () => {
    await using gateway = await testGateway({ tunnel: PING, agentPorts: { holdMs: 60_000 } });
    const asked: Asked = new Map();
    await using service = await namedEcho('web', asked);
    await using agent = await program(gateway, service.port);
    const port = gateway.app.get(AgentRegistry).get('agent-1')?.port ?? 0;
    expect((await send(port, { path: '/before' })).text).toBe('web GET /before ');
    agent.kill('SIGSTOP');
    const began = performance.now();
    const answers = await Promise.all(['GET', 'POST'].map((method) => send(port, { method, path: '/stopped' })));
    expect(performance.now() - began).toBeLessThan(DEADLINE_MS + 1000);
    for (const { status, text } of answers) expect([status, codeIn(text)]).toEqual([502, 'BERTH_AGENT_LOST']);
    expect((await send(port, { path: '/away' })).status).toBe(503);

    agent.kill('SIGCONT');
    await eventually(async () => (await agentIds(gateway)).length === 1, 20_000);
    // What it was sent before it stopped may run now; its answers find nobody.
    for (let i = 0; i < 20; i += 1) expect((await send(port, { path: `/${i}` })).text).toBe(`web GET /${i} `);
    expect([...asked].filter(([, times]) => times > 1)).toEqual([]);
  });

  it('A12: with a second replica its requests go on, and no answer is taken for another', async () => {
    await using gateway = await testGateway({ tunnel: { ...PING, duplicateAgent: 'share', slowStartMs: 0 } });
    await using stack = new AsyncDisposableStack();
    const asked: Asked = new Map();
    const halted = stack.use(await namedEcho('halted', asked, { ms: 10 }));
    const agent = stack.use(await program(gateway, halted.port));
    const kept = stack.use(await namedEcho('kept', asked, { ms: 10 }));
    const { port } = stack.use(await testAgent(gateway, kept.port));
    await using load = new Load(port, 12);
    const stops: number[] = [];
    for (let round = 1; round <= 2; round += 1) {
      const [haltedBefore, keptBefore] = [halted.calls.count, kept.calls.count];
      await eventually(() => halted.calls.count > haltedBefore + 50 && kept.calls.count > keptBefore + 50, 20_000);
      const stoppedAt = load.elapsedMs;
      agent.kill('SIGSTOP');
      await eventually(async () => (await replicasOf(gateway, 'agent-1')).length === 1, 20_000);
      stops.push(stoppedAt);
      agent.kill('SIGCONT');
      await eventually(async () => (await replicasOf(gateway, 'agent-1')).length === 2, 20_000);
    }
    await load.stop();
    // Each client has one request under way when its agent stops.
    expect(load.failures.length).toBeLessThanOrEqual(stops.length * 12);
    for (const { key, status, text, afterMs } of load.failures) {
      expect([key.slice(0, 4), status, codeIn(text)]).toEqual(['POST', 502, 'BERTH_AGENT_LOST']);
      const stoppedAt = stops.findLast((at) => at <= afterMs) ?? Infinity;
      expect(afterMs - stoppedAt).toBeLessThan(DEADLINE_MS + 1000);
    }
    expect([...asked].filter(([key, times]) => key.startsWith('POST') && times > 1)).toEqual([]);
  });
});
