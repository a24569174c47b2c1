import { jest } from '@jest/globals';
import { eventually } from '@berth/testing';
import {
  answer,
  type Family,
  hasPromtool,
  logLines,
  metric,
  parsePrometheus,
  promtoolComplaints,
  RawAgent,
  send,
  testGateway,
  type TestGateway,
} from '@berth/testing/system';

jest.setTimeout(60_000);

const FEATURES = { features: ['metrics_export'] };
const NOTHING = { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };

/** Gauges that take about 100 KiB on the wire. */
function gauges(from: number, count = 4000): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`g{n="${from + i}"}`, i]));
}

describe('C20: metrics of agents', () => {
  const scrape = async ({ admin }: TestGateway): Promise<string> => (await fetch(`${admin}/metrics`)).text();
  const reportOf = (over: object) => ({ gauges: {}, counters: {}, histograms: {}, ...over });

  it('stand beside the gateway’s own, with agent and replica, while the replica is there', async () => {
    const log = logLines('warn');
    await using gateway = await testGateway({ tunnel: { duplicateAgent: 'share' } }, 4, log.log);
    using one = await RawAgent.registered(gateway.grpcPort, 'a', { ...FEATURES, instanceId: 'one' });
    using two = await RawAgent.registered(gateway.grpcPort, 'a', { ...FEATURES, instanceId: 'two' });
    const histograms = { 'wait_seconds{queue="mail"}': { bounds: [0.1], counts: [3, 2], sum: 4.5 } };
    const counters = { 'jobs_total{queue="mail"}': 7 };
    one.session.tell('metricsReport', reportOf({ counters, histograms }));
    two.session.tell('metricsReport', reportOf({ counters, gauges: { berth_agents: 1, 'x{agent_id="b"}': 1 } }));
    const text = await eventually(async () => {
      const found = await scrape(gateway);
      return found.includes('berth_reported_berth_agents') && found.includes('berth_observed') ? found : undefined;
    });
    const families = parsePrometheus(text);
    const jobs = families.get('berth_reported_jobs_total');
    expect(jobs?.type).toBe('counter');
    const labels = { agent_id: 'a', queue: 'mail' };
    expect(jobs?.samples.map((it) => it.labels)).toEqual(
      expect.arrayContaining(['one', 'two'].map((replica) => ({ ...labels, replica }))),
    );
    expect(families.get('berth_observed_wait_seconds')?.samples.map(({ value }) => value)).toEqual([3, 5, 4.5, 5]);
    expect(families.get('berth_agents')?.samples).toEqual([{ name: 'berth_agents', labels: {}, value: 1 }]);
    expect(await metric(gateway, 'berth_agent_series')).toBe(7);
    const rejected = families.get('berth_agent_series_rejected_total')?.samples.filter(({ value }) => value > 0);
    expect(rejected).toMatchObject([{ labels: { agent: 'a', reason: 'label' }, value: 1 }]);
    expect(log.at('warn').filter(({ msg }) => msg.includes('left out'))).toMatchObject([
      { agentId: 'a', replicaId: 'two', count: 1, reason: 'label', series: 'x{agent_id="b"}' },
    ]);
    if (hasPromtool) expect(promtoolComplaints(text)).toBe('');
    two.close();
    await eventually(async () => !(await scrape(gateway)).includes('replica="two"'));
    expect(await scrape(gateway)).toContain('replica="one"');
  });

  it('that cannot be read end the connection, and no metric of the gateway’s own looks like one of an agent', async () => {
    await using gateway = await testGateway();
    for (const name of parsePrometheus(await scrape(gateway)).keys())
      expect(name).not.toMatch(/^berth_(reported|observed)_/);
    using agent = await RawAgent.registered(gateway.grpcPort, 'a', FEATURES);
    // Frame 26 with a map entry of five bytes that are not there.
    agent.call.write(Buffer.from('0a05d201020a05', 'hex'));
    expect((await agent.status).details).toContain('malformed');
  });

  /** Of the agent that floods. */
  const valueOf = (families: Map<string, Family>, name: string, label?: string): number =>
    families
      .get(name)
      ?.samples.find(
        ({ labels }) => labels['agent'] === 'flood' && (label === undefined || Object.values(labels).includes(label)),
      )?.value ?? 0;

  it('100,000 series of one agent, in whatever reports, are bounded, and others do not notice', async () => {
    await using gateway = await testGateway({}, 4, logLines('warn').log);
    using flood = await RawAgent.registered(gateway.grpcPort, 'flood', FEATURES);
    using quiet = await RawAgent.registered(gateway.grpcPort, 'quiet', FEATURES);
    quiet.accept = (exchange) => {
      answer(exchange, 'ok');
      return NOTHING;
    };
    quiet.session.tell('metricsReport', reportOf({ gauges: { load: 1 } }));
    const { port } = await quiet.welcome;
    await eventually(async () => (await metric(gateway, 'berth_reported_load')) === 1);
    for (let sent = 0; sent < 120_000; sent += 4000) {
      flood.session.tell('metricsReport', reportOf({ gauges: gauges(sent) }));
      expect((await send(port)).text).toBe('ok');
    }
    for (let i = 0; i < 200; i += 1) flood.session.tell('metricsReport', reportOf({ gauges: gauges(i, 1) }));
    expect((await send(port)).text).toBe('ok');
    const families = await eventually(async () => {
      const found = parsePrometheus(await scrape(gateway));
      return valueOf(found, 'berth_agent_signals_total', 'metrics') === 230 ? found : undefined;
    }, 20_000);
    const lines = families.get('berth_reported_g')?.samples ?? [];
    expect(lines).toHaveLength(10_000);
    expect(lines.every(({ labels }) => labels['agent_id'] === 'flood')).toBe(true);
    expect(families.get('berth_reported_load')?.samples).toMatchObject([{ labels: { agent_id: 'quiet' }, value: 1 }]);
    // Sixteen are read at once, and four in a second.
    expect(valueOf(families, 'berth_agent_reports_passed_over_total')).toBeGreaterThan(100);
    expect(valueOf(families, 'berth_agent_series_rejected_total', 'limit')).toBeGreaterThan(10_000);
    flood.close();
    await eventually(async () => !(await scrape(gateway)).includes('agent_id="flood"'));
  });
});
