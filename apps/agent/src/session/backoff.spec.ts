import { Backoff } from './backoff.js';

const SETTINGS = { minMs: 1000, maxMs: 30_000, earlyMaxMs: 2000, earlyForMs: 60_000, stableAfterMs: 10_000 };

describe('Backoff', () => {
  it('doubles its ceiling from the least to the greatest', () => {
    const backoff = new Backoff(SETTINGS, () => 1);
    expect(Array.from({ length: 8 }, () => backoff.next(true))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  it('waits anything between nothing and the ceiling', () => {
    let random = 0;
    const backoff = new Backoff(SETTINGS, () => random);
    expect(backoff.next(true)).toBe(0);
    random = 0.25;
    expect(backoff.next(true)).toBe(500);
    random = 0.5;
    expect(backoff.next(true)).toBe(2000);
  });

  it('never waits longer, however often it has failed', () => {
    const backoff = new Backoff(SETTINGS, () => 0.999);
    for (let i = 0; i < 2000; i += 1) expect(backoff.next(true)).toBeLessThanOrEqual(30_000);
  });

  it('starts anew after a connection that was stable, and only then', () => {
    const backoff = new Backoff(SETTINGS, () => 1);
    for (let i = 0; i < 4; i += 1) backoff.next(true);
    backoff.ended(9999);
    expect(backoff.next(true)).toBe(16_000);
    backoff.ended(10_000);
    expect(backoff.next(true)).toBe(1000);
  });

  it('spreads agents that lost their gateway together', () => {
    const waits = Array.from({ length: 200 }, () => new Backoff(SETTINGS).next(true));
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
    // Two hundred of a thousand milliseconds: far from all being the same.
    expect(new Set(waits).size).toBeGreaterThan(50);
  });

  it('looks for a gateway that was lost a moment ago at the early pace, and grows from there', () => {
    let at = 0;
    const backoff = new Backoff(
      SETTINGS,
      () => 1,
      () => at,
    );
    expect(Array.from({ length: 50 }, () => backoff.next(false))).toEqual([1000, ...Array<number>(49).fill(2000)]);
    // A gateway that is there and refuses is asked less often.
    expect([backoff.next(true), backoff.next(true), backoff.next(true)]).toEqual([2000, 4000, 8000]);
    expect(backoff.next(false)).toBe(2000);
    at = 60_000;
    expect([backoff.next(false), backoff.next(false)]).toEqual([16_000, 30_000]);
    // One that was lost again after a while starts anew.
    backoff.ended(10_000);
    expect([backoff.next(false), backoff.next(false), backoff.next(false)]).toEqual([1000, 2000, 2000]);
  });

  it('the early pace never exceeds the longest wait', () => {
    const backoff = new Backoff({ ...SETTINGS, minMs: 20, maxMs: 200 }, () => 1);
    expect(Math.max(...Array.from({ length: 20 }, () => backoff.next(false)))).toBe(200);
  });

  it('one that was replaced waits long, and goes on from there', () => {
    for (const random of [0, 0.999]) {
      const backoff = new Backoff(SETTINGS, () => random);
      expect(backoff.slowest()).toBeGreaterThanOrEqual(22_500);
      expect(backoff.slowest()).toBeLessThanOrEqual(30_000);
      expect(backoff.next(false)).toBe(Math.round(30_000 * random));
    }
  });
});
