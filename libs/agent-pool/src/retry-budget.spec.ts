import fc from 'fast-check';
import { RetryBudget } from './retry-budget.js';

describe('the retry budget', () => {
  it('allows a fifth of the requests of the last seconds, and a few in any case', () => {
    let now = 0;
    const budget = new RetryBudget({ share: 0.2, atLeast: 10, windowMs: 10_000 }, () => now);
    const retries = (): number => {
      let count = 0;
      while (budget.take()) count += 1;
      return count;
    };
    expect(retries()).toBe(10);
    for (let i = 0; i < 1000; i += 1) budget.requested();
    expect(retries()).toBe(190);
    now = 9999;
    expect(retries()).toBe(0);
    now = 10_000;
    expect(retries()).toBe(10);
  });

  it('counts what the last ten tenths of the window had, whatever happens when (model)', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3000), fc.nat(40), fc.nat(40)), { maxLength: 30, size: 'max' }), (steps) => {
        let now = 0;
        const budget = new RetryBudget({ share: 0.5, atLeast: 3, windowMs: 10_000 }, () => now);
        const requests: number[] = [];
        const retries: number[] = [];
        const recent = (times: number[]): number =>
          times.filter((at) => Math.floor(at / 1000) > Math.floor(now / 1000) - 10).length;
        for (const [passes, requested, wanted] of steps) {
          now += passes;
          for (let i = 0; i < requested; i += 1) {
            budget.requested();
            requests.push(now);
          }
          for (let i = 0; i < wanted; i += 1) {
            const allowed = recent(retries) + 1 <= Math.max(3, recent(requests) / 2);
            expect(budget.take()).toBe(allowed);
            if (allowed) retries.push(now);
          }
        }
      }),
      { numRuns: 20 },
    );
  });
});
