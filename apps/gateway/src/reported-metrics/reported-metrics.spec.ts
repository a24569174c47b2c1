import { hasPromtool, parsePrometheus, promtoolComplaints } from '@berth/testing/system';
import { exposition, type Report, ReportedMetrics, reportedFamilies } from './index.js';

const OPTIONS = { maxSeries: 10_000, expireMs: 300_000 };

const report = (over: Partial<Report>): Report => ({ gauges: {}, counters: {}, histograms: {}, ...over });
const gauges = (count: number, from = 0): Report =>
  report({ gauges: Object.fromEntries(Array.from({ length: count }, (_, i) => [`g{n="${from + i}"}`, i])) });

async function textOf(...agents: [string, ReportedMetrics][]): Promise<string> {
  const pieces: string[] = [];
  const reporters = agents.map(([id, metrics]) => ({ label: 'agent_id' as const, id, metrics }));
  for await (const piece of exposition(await reportedFamilies(reporters))) pieces.push(piece);
  return pieces.join('');
}

/** Series as they are shown, without comments. */
async function shown(...agents: [string, ReportedMetrics][]): Promise<string[]> {
  return (await textOf(...agents)).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('what agents report of themselves (C20)', () => {
  it('is shown with agent and replica, in Prometheus’ format', async () => {
    const metrics = new ReportedMetrics(OPTIONS);
    const histograms = { 'wait_seconds{queue="mail"}': { bounds: [0.1, 1], counts: [3, 2, 1], sum: 4.5 } };
    const counters = { 'jobs_total{queue="mail"}': 2 ** 40, restarts: 1 };
    expect(
      metrics.take('r"1', report({ gauges: { load: -0.5, far: Infinity }, counters, histograms }), 0),
    ).toBeUndefined();
    metrics.take('r2', report({ gauges: { load: NaN } }), 0);
    const one = 'agent_id="a",replica="r\\"1"';
    expect(await shown(['a', metrics])).toEqual([
      `berth_observed_wait_seconds_bucket{${one},queue="mail",le="0.1"} 3`,
      `berth_observed_wait_seconds_bucket{${one},queue="mail",le="1"} 5`,
      `berth_observed_wait_seconds_bucket{${one},queue="mail",le="+Inf"} 6`,
      `berth_observed_wait_seconds_sum{${one},queue="mail"} 4.5`,
      `berth_observed_wait_seconds_count{${one},queue="mail"} 6`,
      `berth_reported_far{${one}} +Inf`,
      `berth_reported_jobs_total{${one},queue="mail"} 1099511627776`,
      `berth_reported_load{${one}} -0.5`,
      'berth_reported_load{agent_id="a",replica="r2"} NaN',
      `berth_reported_restarts_total{${one}} 1`,
    ]);
    const text = await textOf(['a', metrics]);
    expect([...parsePrometheus(text).values()].map(({ name, type }) => `${type} ${name}`)).toEqual([
      'histogram berth_observed_wait_seconds',
      'gauge berth_reported_far',
      'counter berth_reported_jobs_total',
      'gauge berth_reported_load',
      'counter berth_reported_restarts_total',
    ]);
  });

  (hasPromtool ? it : it.skip)('has no complaints of promtool', async () => {
    const metrics = new ReportedMetrics(OPTIONS);
    const histograms = { load: { bounds: [0.1, 1], counts: [3, 2, 1], sum: 4.5 } };
    metrics.take('r', report({ gauges: { load: 1 }, counters: { load: 2 }, histograms }), 0);
    expect(promtoolComplaints(await textOf(['a', metrics]))).toBe('');
  });

  it('is one series whichever way it is written', async () => {
    const metrics = new ReportedMetrics(OPTIONS);
    metrics.take('r', report({ counters: { 'x{b="2",a="1"}': 1, 'x{a="1",b="2"}': 2, 'x_total{a="1",b="2"}': 3 } }), 0);
    metrics.take('r', report({ counters: { 'x{b="2",a="1"}': 4 } }), 0);
    expect(metrics.size).toBe(1);
    expect(await shown(['a', metrics])).toEqual(['berth_reported_x_total{agent_id="a",replica="r",a="1",b="2"} 4']);
  });

  it('lets no agent change what kind another one’s metric is', async () => {
    const [bad, good] = [new ReportedMetrics(OPTIONS), new ReportedMetrics(OPTIONS)];
    const histograms = { load: { bounds: [], counts: [1], sum: 1 } };
    bad.take('r', report({ gauges: { jobs: 1, jobs_total: 1 }, histograms }), 0);
    good.take('r', report({ gauges: { load: 1 }, counters: { jobs: 2 } }), 0);
    const families = parsePrometheus(await textOf(['bad', bad], ['good', good]));
    expect(families.get('berth_reported_load')).toMatchObject({ type: 'gauge', samples: [{ value: 1 }] });
    expect(families.get('berth_reported_jobs_total')).toMatchObject({ type: 'counter', samples: [{ value: 2 }] });
    expect(bad.rejected).toMatchObject({ name: 1 });
  });

  it('leaves out what is no name, not its to give, or no value, and says how much', () => {
    const metrics = new ReportedMetrics(OPTIONS);
    const histograms = {
      unsorted: { bounds: [2, 1], counts: [0, 0, 0], sum: 0 },
      short: { bounds: [1], counts: [1], sum: 0 },
      negative: { bounds: [1], counts: [1, -1], sum: 0 },
      endless: { bounds: [Infinity], counts: [1, 1], sum: 0 },
      x_sum: { bounds: [], counts: [1], sum: 0 },
    };
    const taken = metrics.take(
      'r',
      report({
        gauges: { 'bad name': 1, 'x{agent_id="other"}': 1, fine: 1 },
        counters: { down: -1, inf: Infinity },
        histograms,
      }),
      0,
    );
    expect(taken).toEqual({ count: 9, reason: 'name', series: 'bad name' });
    expect(metrics.rejected).toEqual({ name: 2, label: 1, value: 6, limit: 0 });
    expect(metrics.size).toBe(1);
    metrics.take('r', report({ counters: { fine: 1 } }), 0);
    metrics.take('r', report({ counters: { fine_total: NaN } }), 0);
    expect(metrics.rejected.value).toBe(7);
  });

  it('keeps 10,000 series, of all replicas together, and updates those when more come', async () => {
    const metrics = new ReportedMetrics(OPTIONS);
    metrics.take('r1', gauges(6000), 0);
    expect(metrics.take('r2', gauges(94_000), 0)).toEqual({ count: 90_000, reason: 'limit', series: 'g{n="4000"}' });
    expect([metrics.size, metrics.rejected.limit]).toEqual([10_000, 90_000]);
    metrics.take('r2', report({ gauges: { 'g{n="3999"}': 7, new: 1 } }), 1);
    expect(await shown(['a', metrics])).toHaveLength(10_000);
    expect(await shown(['a', metrics])).toContain('berth_reported_g{agent_id="a",replica="r2",n="3999"} 7');
  });

  it('counts a histogram for each of its lines', () => {
    const metrics = new ReportedMetrics({ ...OPTIONS, maxSeries: 10 });
    const histogram = (buckets: number) => ({
      bounds: Array.from({ length: buckets }, (_, i) => i),
      counts: new Array<number>(buckets + 1).fill(0),
      sum: 0,
    });
    const take = (name: string, buckets: number) =>
      metrics.take('r', report({ histograms: { [name]: histogram(buckets) } }), 0);
    expect(take('a', 1)).toBeUndefined();
    expect(metrics.size).toBe(4);
    expect(take('b', 4)).toMatchObject({ reason: 'limit' });
    expect(take('a', 8)).toMatchObject({ reason: 'limit' });
    expect(take('a', 7)).toBeUndefined();
    expect(metrics.size).toBe(10);
    expect(take('a', 0)).toBeUndefined();
    expect(metrics.size).toBe(3);
  });

  it('drops what was not reported for 300 s, at the latest when there is no room', () => {
    const metrics = new ReportedMetrics({ ...OPTIONS, maxSeries: 2 });
    metrics.take('r', report({ gauges: { a: 1, b: 1 } }), 0);
    metrics.take('r', report({ gauges: { b: 1 } }), 200_000);
    expect(metrics.take('r', report({ gauges: { c: 1 } }), 299_999)).toMatchObject({ reason: 'limit' });
    expect(metrics.take('r', report({ gauges: { c: 1 } }), 301_000)).toBeUndefined();
    expect([...metrics.series()].map(([, { family }]) => family)).toEqual(['berth_reported_b', 'berth_reported_c']);
    metrics.sweep(500_000, () => true);
    expect([metrics.size, [...metrics.series()].length]).toEqual([1, 1]);
  });

  it('reads four reports a second, and sixteen at once', () => {
    const metrics = new ReportedMetrics(OPTIONS);
    const read = (count: number, now: number): number =>
      Array.from({ length: count }, () => metrics.mayRead(now)).filter((isRead) => isRead).length;
    expect(read(100, 0)).toBe(16);
    expect(read(100, 249)).toBe(0);
    expect(read(100, 250)).toBe(1);
    expect(read(100, 1250)).toBe(4);
    expect(read(100, 1_000_000)).toBe(16);
    expect(metrics.passedOver).toBe(500 - 37);
  });

  it('drops those of a replica that has gone, and gives their room to others', () => {
    const metrics = new ReportedMetrics({ ...OPTIONS, maxSeries: 100 });
    metrics.take('old', gauges(100), 0);
    expect(metrics.take('new', gauges(100), 0, (id) => id === 'new')).toBeUndefined();
    expect([...metrics.series()].every(([replicaId]) => replicaId === 'new')).toBe(true);
    metrics.sweep(0, () => false);
    expect([metrics.size, [...metrics.series()]]).toEqual([0, []]);
  });

  it('takes names that objects have by themselves as any other', () => {
    const metrics = new ReportedMetrics(OPTIONS);
    metrics.take('__proto__', report({ gauges: { constructor: 1, toString: 2, ['__proto__']: 3 } }), 0);
    expect([...metrics.series()].map(([, { family }]) => family)).toEqual([
      'berth_reported_constructor',
      'berth_reported_toString',
      'berth_reported___proto__',
    ]);
  });

  it('does not even read what is beyond the limit, in one report or in many', () => {
    const [once, often] = [new ReportedMetrics(OPTIONS), new ReportedMetrics(OPTIONS)];
    once.take('r', gauges(100_000), 0);
    for (let i = 0; i < 100; i += 1) often.take('r', gauges(1000, i * 1000), i);
    expect([once.size, often.size]).toEqual([10_000, 10_000]);
    for (const metrics of [once, often]) {
      metrics.take('r', report({ gauges: { 'no name': 1 } }), 200);
      expect(metrics.rejected).toEqual({ name: 0, label: 0, value: 0, limit: 90_001 });
    }
  });

  it('lets others have their turns while many are written', async () => {
    const metrics = new ReportedMetrics(OPTIONS);
    metrics.take('r', gauges(10_000), 0);
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await textOf(['a', metrics]);
    isOver = true;
    expect(turns).toBeGreaterThan(9);
  });
});
