import { setImmediate as nextTurn } from 'node:timers/promises';
import { parsePrometheus, testGateway } from '@berth/testing/system';
import { Agent, AgentRegistry, LocalService } from '../agents/index.js';
import { GatewayMetrics } from './gateway-metrics.js';

const AGENTS = 2000;

describe('metrics of many agents (A17)', () => {
  it('are made in turns of the event loop, all of them', async () => {
    await using gateway = await testGateway();
    const agents = Array.from({ length: AGENTS }, (_, i) => {
      const agent = new Agent(`kiosk-${i}`, 'process');
      agent.services = [new LocalService(agent, 'default', 'http')];
      return agent;
    });
    gateway.app.get(AgentRegistry).list = () => agents;
    let lines = 0;
    let most = 0;
    const over = new AbortController();
    const counted = (async () => {
      for (; !over.signal.aborted; lines = 0) await nextTurn();
    })();
    const pieces: string[] = [];
    for await (const piece of await gateway.app.get(GatewayMetrics).text()) {
      pieces.push(String(piece));
      lines += String(piece).split('\n').length;
      most = Math.max(most, lines);
    }
    over.abort();
    await counted;
    // One histogram more than a turn's part, and the gateway's own; those of an agent are about 70.
    expect(most).toBeLessThan(2000);
    const families = parsePrometheus(pieces.join(''));
    const samples = (name: string): number | undefined => families.get(name)?.samples.length;
    expect(samples('berth_agent_requests_total')).toBe(AGENTS);
    expect(samples('berth_agent_request_duration_seconds')).toBe(AGENTS * 16);
    expect(samples('berth_agent_signals_total')).toBe(AGENTS * 7);
  });
});
