import { PeakLatency } from './latency.js';

describe('the latency that a pick goes by', () => {
  const afterPause = (answers: number): number => {
    const latency = new PeakLatency();
    latency.observe(10, 0);
    latency.observe(100, 1);
    for (let i = 0; i < answers; i += 1) latency.observe(10, 2);
    return latency.valueAt(2, true);
  };

  it('rises at once, and one quick answer does not make a slow one undone', () => {
    expect(afterPause(0)).toBe(100);
    expect(afterPause(1)).toBeGreaterThan(85);
  });

  it('forgets a pause with some twenty quick answers, however soon they come', () => {
    expect(afterPause(20)).toBeLessThan(25);
    expect(afterPause(20)).toBeGreaterThan(15);
  });

  it('falls with time as well, where answers are few: in 5 s to about a third of the difference', () => {
    const latency = new PeakLatency();
    latency.observe(100, 0);
    latency.observe(10, 5000);
    expect(latency.valueAt(5000, true)).toBeCloseTo(10 + 90 / Math.E, 5);
  });
});
