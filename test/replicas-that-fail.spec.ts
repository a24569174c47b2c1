import { jest } from '@jest/globals';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, owning } from '@berth/testing';
import {
  type Asked,
  Load,
  namedEcho,
  replicasOf,
  testAgent,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';

jest.setTimeout(60_000);

const IN_A_ROW = /^\d+ failures in a row$/;

interface Setup {
  gateway: TestGateway;
  port: number;
  calls: () => number[];
}

describe('a replica whose service answers nothing but 500', () => {
  /** Two replicas that are fine, then the one that fails; what each of them is asked. */
  async function start(tunnel: DeepPartial<GatewaySettings['tunnel']>): Promise<Setup & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway({ tunnel: { duplicateAgent: 'share', slowStartMs: 0, ...tunnel } }));
    const asked: Asked = new Map();
    const counts: { count: number }[] = [];
    let port = 0;
    for (const status of [200, 200, 500]) {
      const service = stack.use(await namedEcho(`answers ${status}`, asked, { ms: 5, status }));
      counts.push(service.calls);
      ({ port } = stack.use(await testAgent(gateway, service.port)));
    }
    return owning({ gateway, port, calls: () => counts.map(({ count }) => count) }, stack);
  }

  async function run({ port }: Setup, requests: number): Promise<Load> {
    const load = new Load(port, 8);
    await eventually(() => load.answered >= requests, 30_000);
    await load.stop();
    // The client gets the service's own answer.
    for (const { status, text } of load.failures)
      expect([status, text]).toEqual([500, expect.stringMatching(/^answers 500 /)]);
    return load;
  }

  it.each(['leastLoaded', 'roundRobin'] as const)(
    'C6: gets a few requests where 5xx counts, and is unhealthy with the reason (%s)',
    async (poolStrategy) => {
      await using setup = await start({ poolStrategy, outliers: { count5xx: true } });
      await run(setup, 600);
      const [one = 0, other = 0, failing = 0] = setup.calls();
      // Three in a row, and what was on its way there meanwhile.
      expect(failing).toBeGreaterThanOrEqual(1);
      expect(failing).toBeLessThanOrEqual(3 + 7);
      expect(Math.max(one, other) / Math.min(one, other)).toBeLessThan(1.5);
      const replicas = await replicasOf(setup.gateway, 'agent-1');
      expect(replicas.slice(0, 2).map(({ state }) => state)).toEqual(['healthy', 'healthy']);
      // Least loaded may have enough of it before the third.
      expect(replicas[2]?.state === 'unhealthy').toBe(failing >= 3);
      if (failing >= 3) expect(replicas[2]?.state_reason).toMatch(IN_A_ROW);
    },
  );

  it('gets its full part where 5xx is an answer like others, which is the default', async () => {
    await using setup = await start({ poolStrategy: 'roundRobin' });
    await run(setup, 300);
    const calls = setup.calls();
    expect(Math.max(...calls) - Math.min(...calls)).toBeLessThanOrEqual(1);
    expect((await replicasOf(setup.gateway, 'agent-1')).map(({ state }) => state)).toEqual(Array(3).fill('healthy'));
  });
});
