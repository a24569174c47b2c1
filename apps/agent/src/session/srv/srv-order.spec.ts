import { orderByWeight } from './srv-order.js';

const record = (
  name: string,
  priority: number,
  weight: number,
): { name: string; priority: number; weight: number } => ({
  name,
  priority,
  weight,
});
const names = (records: readonly { name: string }[]): string => records.map(({ name }) => name).join('');

/** Numbers that are drawn one after the other; then it fails. */
function drawing(...numbers: number[]): () => number {
  return () => {
    const next = numbers.shift();
    if (next === undefined) throw new Error('one number too many was drawn');
    return next;
  };
}

describe('the order of SRV records', () => {
  it('A19: takes the lowest priority first, whatever the weights', () => {
    const records = [record('c', 20, 65_535), record('a', 0, 0), record('b', 10, 1)];
    expect(names(orderByWeight(records, 9))).toBe('abc');
    expect(records.map(({ name }) => name)).toEqual(['c', 'a', 'b']);
  });

  it.each([
    // Of 100 and one for the weight 0: 0, then 1 to 30, then 31 to 100.
    ['0', [0, 0, 0], 'zab'],
    ['its last', [0.005, 0, 0], 'zab'],
    ['the next', [0.015, 0, 0], 'azb'],
    ['30', [0.302, 0, 0], 'azb'],
    ['31', [0.308, 0, 0], 'bza'],
    ['100', [0.999, 0.999, 0], 'baz'],
  ])('A19: draws among equals by weight: %s', (_, numbers, expected) => {
    const equals = [record('a', 1, 30), record('b', 1, 70), record('z', 1, 0)];
    expect(names(orderByWeight(equals, 9, drawing(...numbers)))).toBe(expected);
  });

  it('A19: each comes first as often as its weight says', () => {
    const first = { a: 0, b: 0, z: 0 };
    const equals = [record('a', 1, 30), record('b', 1, 69), record('z', 1, 0)];
    for (let i = 0; i < 100; i += 1) {
      const name = names(orderByWeight(equals, 1, () => i / 100)) as keyof typeof first;
      first[name] += 1;
    }
    expect(first).toEqual({ z: 1, a: 30, b: 69 });
  });

  it('A19: small weights count as they stand', () => {
    const first = { a: 0, b: 0 };
    const equals = [record('a', 1, 3), record('b', 1, 1)];
    for (let i = 0; i < 100; i += 1) {
      const name = names(orderByWeight(equals, 1, () => i / 100)) as keyof typeof first;
      first[name] += 1;
    }
    expect(first).toEqual({ a: 75, b: 25 });
  });

  it('A19: without weights each comes first as often as another', () => {
    const equals = ['a', 'b', 'c'].map((name) => record(name, 1, 0));
    expect(names(orderByWeight(equals, 9, drawing(0, 0, 0)))).toBe('abc');
    expect(names(orderByWeight(equals, 9, drawing(0.5, 0.9, 0)))).toBe('bca');
    expect(names(orderByWeight(equals, 9, drawing(0.9, 0, 0)))).toBe('cab');
  });

  it('A19: no more come than are wanted', () => {
    const equals = ['a', 'b', 'c'].map((name) => record(name, 1, 0));
    expect(orderByWeight(equals, 2)).toHaveLength(2);
    expect(orderByWeight([], 2)).toEqual([]);
  });
});
