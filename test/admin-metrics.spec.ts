import { eventually } from '#testing';
import { Cleanup, localService, testAgent, testGateway, type TestGateway } from './support/harness.js';
import { type Family, parsePrometheus } from './support/prometheus.js';

describe('A17: metrics', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  async function scrape(gateway: TestGateway): Promise<Map<string, Family>> {
    const answer = await fetch(`${gateway.admin}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    return parsePrometheus(await answer.text());
  }

  const value = (
    families: Map<string, Family>,
    name: string,
    labels: Record<string, string> = {},
  ): number | undefined =>
    families
      .get(name)
      ?.samples.find((it) => it.name === name && Object.entries(labels).every(([key, text]) => it.labels[key] === text))
      ?.value;

  it('moves with agents, ports and requests', async () => {
    const service = cleanup.add(await localService((_, response) => response.end('12345')), (it) => it.close());
    const gateway = cleanup.add(await testGateway({}, 1), (it) => it.close());
    const before = await scrape(gateway);
    expect(value(before, 'berth_agents')).toBe(0);
    // Issue 8, C16.
    expect(value(before, 'berth_log_lines_dropped_total')).toBe(0);
    expect(value(before, 'berth_port_pool_used')).toBe(0);
    expect(value(before, 'berth_port_pool_total')).toBe(1);

    const agent = cleanup.add(await testAgent(gateway, service.port, { id: 'measured' }), (it) => it.stop());
    const label = { agent: 'measured' };
    for (let i = 0; i < 3; i += 1) await (await fetch(agent.url, { method: 'POST', body: 'abcd' })).text();
    await eventually(async () => value(await scrape(gateway), 'berth_exchanges_in_flight') === 0);
    const during = await scrape(gateway);
    expect(value(during, 'berth_agents')).toBe(1);
    expect(value(during, 'berth_port_pool_used')).toBe(1);
    expect(value(during, 'berth_agent_connects_total')).toBe(1);
    expect(value(during, 'berth_agent_requests_total', label)).toBe(3);
    expect(value(during, 'berth_agent_errors_total', label)).toBe(0);
    expect(value(during, 'berth_agent_request_bytes_total', label)).toBe(12);
    expect(value(during, 'berth_agent_response_bytes_total', label)).toBe(15);

    await agent.stop();
    await eventually(async () => value(await scrape(gateway), 'berth_agent_disconnects_total') === 1);
    const after = await scrape(gateway);
    expect(value(after, 'berth_agents')).toBe(0);
    expect(value(after, 'berth_port_pool_used')).toBe(0);
    expect(value(after, 'berth_agent_requests_total', label)).toBeUndefined();
  });

  it('counts latencies in a histogram that adds up', async () => {
    const service = cleanup.add(await localService((_, response) => response.end()), (it) => it.close());
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const agent = cleanup.add(await testAgent(gateway, service.port, { id: 'timed' }), (it) => it.stop());
    for (let i = 0; i < 5; i += 1) await (await fetch(agent.url)).text();
    const name = 'berth_agent_request_duration_seconds';
    const samples = await eventually(async () => {
      const found = (await scrape(gateway)).get(name)?.samples ?? [];
      return found.some((it) => it.name === `${name}_count` && it.value === 5) ? found : undefined;
    });
    const buckets = samples.filter((it) => it.name === `${name}_bucket`);
    const bounds = buckets.map((it) => (it.labels['le'] === '+Inf' ? Infinity : Number(it.labels['le'])));
    expect(bounds).toEqual([...bounds].sort((a, b) => a - b));
    expect(bounds.at(-1)).toBe(Infinity);
    const counts = buckets.map((it) => it.value);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(counts.at(-1)).toBe(5);
    const sum = samples.find((it) => it.name === `${name}_sum`)?.value ?? 0;
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(5);
  });

  it('counts refused registrations by code', async () => {
    const gateway = cleanup.add(await testGateway({ auth: { token: 'right' } }), (it) => it.close());
    await expect(testAgent(gateway, 1, { token: 'wrong' })).rejects.toThrow();
    await eventually(
      async () =>
        value(await scrape(gateway), 'berth_registrations_refused_total', { code: 'BERTH_UNAUTHENTICATED' }) === 1,
    );
  });

  it('tells of the process as well', async () => {
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const families = await scrape(gateway);
    for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'])
      expect(families.has(name)).toBe(true);
    for (const { name, type, help } of families.values())
      expect([name, type !== '', help !== '']).toEqual([name, true, true]);
  });
});
