import { encodeControl } from '../../../../libs/tunnel-protocol/src/control-messages.js';
import { reportParts } from './report-parts.js';

describe('the parts of a report', () => {
  const many = (count: number, name: (i: number) => string): Record<string, number> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [name(i), Number.MAX_SAFE_INTEGER - i]));

  it('are one when it is small, and none when it is empty', () => {
    const report = { gauges: { a: 1 }, counters: { b: 2 }, histograms: { c: { bounds: [1], counts: [1, 2], sum: 3 } } };
    expect(reportParts(report)).toEqual([report]);
    expect(reportParts({ gauges: {}, counters: {}, histograms: {} })).toEqual([]);
  });

  it('are together what it was, and each fits into a message', () => {
    const histograms = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => {
        const bounds = Array.from({ length: 200 }, (_, k) => k + 0.1);
        return [`h${i}`, { bounds, counts: [...bounds, 0].map(() => Number.MAX_SAFE_INTEGER), sum: 0.1 }];
      }),
    );
    const report = { gauges: many(5000, (i) => `${i}`), counters: many(5000, (i) => `ä{n="${i}"}`), histograms };
    const parts = reportParts(report);
    expect(parts.length).toBeGreaterThan(5);
    for (const part of parts) expect(encodeControl('metricsReport', part).length).toBeLessThan(131_072 - 64);
    const all = { gauges: {}, counters: {}, histograms: {} };
    for (const part of parts) {
      Object.assign(all.gauges, part.gauges);
      Object.assign(all.counters, part.counters);
      Object.assign(all.histograms, part.histograms);
    }
    expect(all).toEqual(report);
  });
});
