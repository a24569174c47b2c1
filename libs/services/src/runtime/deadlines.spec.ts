import { jest } from '@jest/globals';
import fc from 'fast-check';
import { Deadlines, type Expiring } from './deadlines.js';
import { steadyNow } from './clock.js';

class Item implements Expiring {
  heapIndex = -1;
  constructor(readonly deadline: number) {}
}

describe('Deadlines', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('expires what was not removed, in order of time, whatever the order of adding and removing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000 }), fc.boolean()), { maxLength: 100, size: 'max' }),
        (plan) => {
          const start = steadyNow();
          const expired: Item[] = [];
          const deadlines = new Deadlines<Item>((item) => expired.push(item));
          const items = plan.map(([deadline, stays]) => ({ item: new Item(start + deadline), stays }));
          for (const { item } of items) deadlines.add(item);
          for (const { item, stays } of items) if (!stays) deadlines.remove(item);
          jest.advanceTimersByTime(3_001);
          const expected = items.filter(({ stays }) => stays).map(({ item }) => item.deadline);
          expect(expired.map(({ deadline }) => deadline)).toEqual(expected.sort((a, b) => a - b));
          deadlines.close();
          expect(jest.getTimerCount()).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('keeps the process alive while something waits, and not otherwise', () => {
    jest.useRealTimers();
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const held = (): boolean => timers.mock.results.some(({ value }) => (value as NodeJS.Timeout).hasRef());
    const deadlines = new Deadlines<Item>(() => undefined);
    const [one, other] = [new Item(steadyNow() + 60_000), new Item(steadyNow() + 60_000)];
    for (const item of [one, other]) deadlines.add(item);
    deadlines.remove(one);
    expect(held()).toBe(true);
    deadlines.remove(other);
    expect(held()).toBe(false);
    deadlines.add(one);
    expect(held()).toBe(true);
    deadlines.letGo();
    expect(held()).toBe(false);
    deadlines.add(other);
    expect(held()).toBe(false);
    expect(timers).toHaveBeenCalled();
    deadlines.close();
    timers.mockRestore();
  });

  it('never expires early, and takes what is added meanwhile', () => {
    const start = steadyNow();
    const seen: [number, number][] = [];
    const deadlines = new Deadlines<Item>(({ deadline }) => {
      seen.push([deadline - start, steadyNow() - start]);
      if (deadline - start === 10) deadlines.add(new Item(start + 15));
    });
    for (const ms of [2_500, 10, 2 ** 40]) deadlines.add(new Item(start + ms));
    jest.advanceTimersByTime(2_499);
    expect(seen).toEqual([
      [10, 10],
      [15, 15],
    ]);
    jest.advanceTimersByTime(1);
    expect(seen[2]).toEqual([2_500, 2_500]);
    expect(jest.getTimerCount()).toBe(1);
    deadlines.close();
  });
});
