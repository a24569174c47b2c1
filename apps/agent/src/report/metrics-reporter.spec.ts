import { jest } from '@jest/globals';
import { LimitedLog, silentLog } from '@berth/observability';
import type { MetricsReport } from '@berth/tunnel-protocol';
import type { LinkSignals } from '../session/signals.js';
import { MetricsReporter } from './metrics-reporter.js';

const REPORT: MetricsReport = { gauges: { a: 1 }, counters: {}, histograms: {} };

describe('MetricsReporter', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  function reporter(reportIntervalMs: number, file = '') {
    const sent: MetricsReport[] = [];
    const state = { connected: true, collected: 0 };
    const link = { metrics: (report: MetricsReport) => void sent.push(report) } as unknown as LinkSignals;
    const it = new MetricsReporter(
      { reportIntervalMs, file },
      () => (state.connected ? link : undefined),
      () => {
        state.collected += 1;
        return REPORT;
      },
      new LimitedLog(silentLog),
    );
    return { it, sent, state };
  }

  it('reports when the agent has connected, then each interval, until it is stopped', async () => {
    const { it, sent } = reporter(15_000);
    it.begin();
    await jest.advanceTimersByTimeAsync(14_999);
    expect(sent).toEqual([REPORT]);
    await jest.advanceTimersByTimeAsync(15_001);
    expect(sent).toHaveLength(3);
    it.stop();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(3);
  });

  it('collects nothing while nobody takes it', async () => {
    const { it, sent, state } = reporter(15_000);
    state.connected = false;
    it.begin();
    await jest.advanceTimersByTimeAsync(60_000);
    expect([sent, state.collected]).toEqual([[], 0]);
    state.connected = true;
    await jest.advanceTimersByTimeAsync(15_000);
    expect(sent).toHaveLength(1);
    it.stop();
  });

  it('one that connects again has one rhythm', async () => {
    const { it, sent } = reporter(15_000);
    for (let i = 0; i < 3; i += 1) {
      it.begin();
      await jest.advanceTimersByTimeAsync(1000);
    }
    expect(sent).toHaveLength(3);
    await jest.advanceTimersByTimeAsync(15_000);
    expect(sent).toHaveLength(4);
    it.stop();
  });

  it('with an interval of 0 it reports nothing', async () => {
    const { it, sent } = reporter(0);
    it.begin();
    await jest.advanceTimersByTimeAsync(60_000);
    expect([sent, jest.getTimerCount()]).toEqual([[], 0]);
  });
});
