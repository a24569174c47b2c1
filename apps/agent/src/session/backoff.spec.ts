import { Backoff } from './backoff.js';

const SETTINGS = { minMs: 1000, maxMs: 30_000, stableAfterMs: 10_000 };

describe('Backoff', () => {
  it('doubles its ceiling from the least to the greatest', () => {
    const backoff = new Backoff(SETTINGS, () => 1);
    expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('waits anything between nothing and the ceiling', () => {
    let random = 0;
    const backoff = new Backoff(SETTINGS, () => random);
    expect(backoff.next()).toBe(0);
    random = 0.25;
    expect(backoff.next()).toBe(500);
    random = 0.5;
    expect(backoff.next()).toBe(2000);
  });

  it('never waits longer, however often it has failed', () => {
    const backoff = new Backoff(SETTINGS, () => 0.999);
    for (let i = 0; i < 2000; i += 1) expect(backoff.next()).toBeLessThanOrEqual(30_000);
  });

  it('starts anew after a connection that was stable, and only then', () => {
    const backoff = new Backoff(SETTINGS, () => 1);
    for (let i = 0; i < 4; i += 1) backoff.next();
    backoff.ended(9999);
    expect(backoff.next()).toBe(16_000);
    backoff.ended(10_000);
    expect(backoff.next()).toBe(1000);
  });

  it('spreads agents that lost their gateway together', () => {
    const waits = Array.from({ length: 200 }, () => new Backoff(SETTINGS).next());
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
    // Two hundred of a thousand milliseconds: far from all being the same.
    expect(new Set(waits).size).toBeGreaterThan(50);
  });
});
