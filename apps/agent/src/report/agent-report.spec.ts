import { ResetCode } from '@berth/exchange';
import { LocalFigures } from '../forward/local-figures.js';
import { agentReport, type ReportedService } from './agent-report.js';
import { LoopDelay } from './loop-delay.js';

describe('agentReport', () => {
  const POOL = { inUse: 3, queued: 2 };
  const QUIET = { read: () => undefined };
  const service = (figures: LocalFigures, isUp?: boolean, name = 'default'): ReportedService => ({
    name,
    figures,
    forwarder: { pool: POOL },
    watch: { isUp },
  });

  it('has what the agent counts, failures by reason', () => {
    const figures = new LocalFigures(true);
    figures.exchanges = 7;
    figures.answer(figures.begin() - 30);
    for (const code of [ResetCode.localUnreachable, ResetCode.localUnreachable, ResetCode.localBusy, 99 as ResetCode])
      figures.fail(code);
    const loop = { read: () => ({ maxSeconds: 0.2, utilization: 0.5 }) };
    const { gauges, counters, histograms } = agentReport([service(figures, false)], loop);
    expect(gauges).toEqual({
      local_connections_in_use: 3,
      exchanges_waiting: 2,
      local_service_up: 0,
      resident_memory_bytes: expect.any(Number),
      event_loop_delay_max_seconds: 0.2,
      event_loop_utilization: 0.5,
    });
    expect(counters).toEqual({
      exchanges: 7,
      'exchange_failures{reason="local_unreachable"}': 2,
      'exchange_failures{reason="local_busy"}': 1,
      'exchange_failures{reason="unspecified"}': 1,
    });
    const { local_latency_seconds: latency } = histograms;
    expect(latency?.counts).toHaveLength((latency?.bounds.length ?? 0) + 1);
    expect(latency?.counts.reduce((a, b) => a + b)).toBe(1);
    expect(latency?.sum).toBeGreaterThanOrEqual(0.03);
  });

  it('leaves out what is not known', () => {
    const figures = new LocalFigures();
    figures.answer(figures.begin());
    const report = agentReport([service(figures)], QUIET);
    expect(Object.keys(report.gauges).sort()).toEqual([
      'exchanges_waiting',
      'local_connections_in_use',
      'resident_memory_bytes',
    ]);
    expect(report.histograms).toEqual({});
  });

  it('tells several local services apart', () => {
    const [web, api] = [new LocalFigures(true), new LocalFigures()];
    web.exchanges = 2;
    api.fail(ResetCode.localBusy);
    const report = agentReport([service(web, true, 'web'), service(api, false, 'api')], QUIET);
    expect(report.gauges).toMatchObject({ 'local_service_up{service="web"}': 1, 'local_service_up{service="api"}': 0 });
    expect(report.counters).toEqual({
      'exchanges{service="web"}': 2,
      'exchanges{service="api"}': 0,
      'exchange_failures{service="api",reason="local_busy"}': 1,
    });
    expect(Object.keys(report.histograms)).toEqual(['local_latency_seconds{service="web"}']);
  });

  it('is not changed by what is counted later', () => {
    const figures = new LocalFigures(true);
    const report = agentReport([service(figures, true)], QUIET);
    figures.answer(figures.begin());
    expect(report.histograms['local_latency_seconds']?.counts.every((count) => count === 0)).toBe(true);
  });
});

describe('LoopDelay', () => {
  it('tells how long the loop stood still since the last look, and forgets it', async () => {
    const loop = new LoopDelay();
    expect(loop.read()).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 150));
    for (const until = performance.now() + 500; performance.now() < until;);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const { maxSeconds = 0, utilization = 0 } = loop.read() ?? {};
    expect(maxSeconds).toBeGreaterThan(0.3);
    expect(utilization).toBeGreaterThan(0.1);
    expect(loop.read()?.maxSeconds).toBeLessThan(0.3);
    loop.stop();
  });
});
