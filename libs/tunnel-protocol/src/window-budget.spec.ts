import fc from 'fast-check';
import { WindowBudget, type WindowShare } from './window-budget.js';

const MiB = 1024 * 1024;

/** Windows of one owner that take all they can get, one after the other. */
function fill(share: WindowShare, windows: number, maxBytes = 16 * MiB): number[] {
  return Array.from({ length: windows }, () => share.take(maxBytes, 0));
}

describe('WindowBudget', () => {
  it('leaves half of itself to others, however many windows an owner has', () => {
    const budget = new WindowBudget(96 * MiB);
    const greedy = budget.join('a');
    fill(greedy, 1000);
    expect(greedy.used).toBeLessThanOrEqual(48 * MiB);
    expect(greedy.used).toBeGreaterThan(40 * MiB);
    // Beside an owner that holds all it can, another one still has a whole window.
    expect(budget.join('b').take(15.75 * MiB, 0)).toBe(15.75 * MiB);
    expect(budget.join('c').take(16 * MiB, 0)).toBeGreaterThan(6 * MiB);
  });

  it('leaves something to the next window of the same owner', () => {
    const share = new WindowBudget(96 * MiB).join('a');
    const [first, second, third, fourth] = fill(share, 4).map((bytes) => bytes / MiB);
    expect([first, second]).toEqual([16, 16]);
    expect(third).toBeGreaterThan(10);
    expect(fourth).toBeGreaterThan(3);
  });

  it('is a rule that everybody can keep: a window that has too much is told so when others come', () => {
    const budget = new WindowBudget(9000);
    const [one, two] = [budget.join('one'), budget.join('two')];
    expect([one.take(9000, 0), one.room(3000)]).toEqual([3000, 0]);
    expect(two.take(9000, 0)).toBe(2000);
    expect(one.room(3000)).toBeLessThan(0);
    one.give(1000);
    expect(one.room(2000)).toBeGreaterThanOrEqual(0);
  });

  it('is never overdrawn, and forgets an owner of whom nothing is left', () => {
    const step = fc.record({ owner: fc.nat(4), window: fc.nat(5), bytes: fc.nat(40_000), give: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const budget = new WindowBudget(100_000);
        const shares = Array.from({ length: 5 }, (_, owner) => budget.join(String(owner)));
        const windows = shares.map(() => [0, 0, 0, 0, 0, 0]);
        for (const { owner, window, bytes, give } of steps) {
          const [share, mine] = [shares[owner] as WindowShare, windows[owner] as number[]];
          const has = mine[window] as number;
          if (give) {
            const back = Math.min(bytes, has);
            share.give(back);
            mine[window] = has - back;
            continue;
          }
          const before = share.used;
          const took = share.take(bytes, has);
          mine[window] = has + took;
          if (took === 0) continue;
          expect(share.used).toBe(before + took);
          expect(share.used).toBeLessThanOrEqual(budget.limitBytes - budget.used);
          expect(has + took).toBeLessThanOrEqual(budget.limitBytes - budget.used - share.used);
        }
        expect(budget.used).toBe(windows.flat().reduce((sum, has) => sum + has, 0));
        for (const share of shares) share.leave();
        expect(budget.owners).toBe(shares.filter(({ used }) => used > 0).length);
        for (const share of shares) share.give(share.used);
        expect([budget.used, budget.owners]).toEqual([0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  it('knows one part per owner, whoever joins in its name', () => {
    const budget = new WindowBudget(900);
    const share = budget.join('a');
    expect(budget.join('a')).toBe(share);
    share.take(900, 0);
    share.leave();
    share.leave();
    // A client still reads what the agent left behind, and the agent is back.
    expect(budget.join('a')).toBe(share);
    expect(budget.owners).toBe(1);
  });

  it('of 0 bytes keeps every window at its start', () => {
    const share = new WindowBudget(0).join('a');
    expect([share.take(1, 0), share.room(0)]).toEqual([0, 0]);
  });
});
