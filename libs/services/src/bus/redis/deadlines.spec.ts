import { jest } from '@jest/globals';
import { Deadlines, type Expiring } from './deadlines.js';

class Item implements Expiring {
  heapIndex = -1;
  constructor(readonly deadline: number) {}
}

describe('Deadlines', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('ends each item once, at its time, in order, and none that was removed', () => {
    const ended: Item[] = [];
    const deadlines = new Deadlines<Item>((item) => {
      expect(Date.now()).toBeGreaterThanOrEqual(item.deadline);
      ended.push(item);
    });
    // Pseudo-random, and the same each time.
    let seed = 42;
    const next = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31);
    const items = Array.from({ length: 1000 }, () => new Item(1_000_000 + (next() % 5000)));
    const removed = new Set<Item>();
    for (const [i, item] of items.entries()) {
      deadlines.add(item);
      if (i % 3 === 0) {
        const other = items[next() % (i + 1)] as Item;
        deadlines.remove(other);
        deadlines.remove(other);
        removed.add(other);
      }
    }
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(2500);
    const half = items.filter((item) => !removed.has(item) && item.deadline <= 1_002_500);
    expect(ended).toHaveLength(half.length);
    jest.advanceTimersByTime(2500);
    const kept = items.filter((item) => !removed.has(item)).map(({ deadline }) => deadline);
    expect(ended.map(({ deadline }) => deadline)).toEqual(kept.sort((a, b) => a - b));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits longer than a timer can, and leaves no timer when closed', () => {
    const ended: Item[] = [];
    const deadlines = new Deadlines<Item>((item) => ended.push(item));
    const far = new Item(1_000_000 + 2 ** 31 + 5000);
    deadlines.add(far);
    jest.advanceTimersByTime(2 ** 31);
    expect(ended).toEqual([]);
    jest.advanceTimersByTime(5000);
    expect(ended).toEqual([far]);
    deadlines.add(new Item(Date.now() + 10));
    deadlines.close();
    expect(jest.getTimerCount()).toBe(0);
  });
});
