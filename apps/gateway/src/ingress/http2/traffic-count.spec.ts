import { Allowance } from './allowance.js';
import { FloodWatch } from './flood-watch.js';
import { TrafficCount } from './traffic-count.js';

const MIB = 1024 * 1024;

describe('what a connection sends beside its requests', () => {
  it('is bounded at once and by the second', () => {
    const count = new TrafficCount(0);
    expect(count.floods(MIB, 0, 0)).toBe(false);
    expect(count.floods(MIB + 200_000, 0, 1000)).toBe(false);
    expect(count.floods(MIB + 600_000, 0, 1100)).toBe(true);
  });

  it('is nothing where requests, bodies and answers explain it', () => {
    const count = new TrafficCount(0);
    count.head(['a'.repeat(2 * MIB), '']);
    count.received(3 * MIB);
    count.sent(4 * MIB);
    count.cutShort();
    expect(count.floods(9 * MIB, 2 * MIB, 0)).toBe(false);
    // What waited is taken: the same bytes, with another reason.
    count.received(2 * MIB);
    expect(count.floods(10 * MIB, 0, 0)).toBe(false);
  });

  it('has no reason in an answer of long ago', () => {
    const count = new TrafficCount(0);
    count.sent(1024 * MIB);
    expect(count.floods(MIB, 0, 0)).toBe(false);
    expect(count.floods(40 * MIB, 0, 1000)).toBe(true);
  });
});

describe('an allowance', () => {
  it('comes back with time, up to what there may be at once', () => {
    const allowance = new Allowance(2, 1, 0);
    expect([0, 0, 0, 500, 1500, 9000, 9000, 9000].map((now) => allowance.take(1, now))).toEqual([
      ...[true, true, false, false, true],
      ...[true, true, false],
    ]);
  });
});

describe('the watch', () => {
  it('looks at connections while there are any', async () => {
    const watch = new FloodWatch(() => 42);
    const seen: number[] = [];
    const connection = { look: (now: number) => void seen.push(now) };
    await new Promise<void>((resolve) => {
      watch.add({
        look: () => {
          resolve();
        },
      });
      watch.add(connection);
    });
    watch.remove(connection);
    expect(new Set(seen)).toEqual(new Set([42]));
  });
});
