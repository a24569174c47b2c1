import { MAX_CLIENTS, TokenBuckets } from './token-buckets.js';

describe('token buckets', () => {
  it('give what is in them at once, and then so many per second', () => {
    const buckets = new TokenBuckets(10, 3);
    const take = (now: number) => buckets.take('a', now);
    expect([0, 0, 0].map(take).map(({ granted, left }) => [granted, left])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
    ]);
    expect(take(0)).toEqual({ granted: false, left: 0, waitMs: 100, fullMs: 300 });
    expect(take(99)).toMatchObject({ granted: false, waitMs: 1 });
    expect(take(100)).toMatchObject({ granted: true, left: 0, waitMs: 0, fullMs: 300 });
    // Of what it is refused it pays nothing.
    for (let now = 100; now < 200; now += 1) expect(take(now).granted).toBe(false);
    expect(take(200).granted).toBe(true);
    expect(take(10_000)).toMatchObject({ granted: true, left: 2, fullMs: 100 });
  });

  it.each([1, 3, 7, 1000, 999_983, 1_000_000])(
    'lose no token to rounding, at %d per second, late in the day',
    (rate) => {
      const buckets = new TokenBuckets(rate, rate);
      const now = 40 * 86_400_000 + 0.123;
      let granted = 0;
      for (let i = 0; i < Math.min(rate, 5000); i += 1) granted += buckets.take('a', now).granted ? 1 : 0;
      expect(granted).toBe(Math.min(rate, 5000));
    },
  );

  it('grant a steady client its rate, and never more', () => {
    const buckets = new TokenBuckets(3, 1);
    let granted = 0;
    for (let now = 0; now < 100_000; now += 10) granted += buckets.take('a', now).granted ? 1 : 0;
    expect(granted).toBeGreaterThanOrEqual(290);
    expect(granted).toBeLessThanOrEqual(301);
  });

  it('are one for each client', () => {
    const buckets = new TokenBuckets(1, 1);
    expect(['a', 'b', 'a', 'b'].map((client) => buckets.take(client, 0).granted)).toEqual([true, true, false, false]);
  });

  it('are bounded: who has asked the longest ago is forgotten, not who asks and is refused', () => {
    const buckets = new TokenBuckets(0.001, 1);
    buckets.take('greedy', 0);
    buckets.take('quiet', 0);
    for (let i = 0; i < MAX_CLIENTS - 2; i += 1) buckets.take(`c${i}`, 1);
    expect(buckets.take('greedy', 2).granted).toBe(false);
    buckets.take('new', 2);
    expect(buckets.clients).toBe(MAX_CLIENTS);
    expect([buckets.take('greedy', 2).granted, buckets.take('quiet', 2).granted]).toEqual([false, true]);
    for (let i = 0; i < 1000; i += 1) buckets.take(`d${i}`, 3);
    expect(buckets.clients).toBe(MAX_CLIENTS);
  });
});
