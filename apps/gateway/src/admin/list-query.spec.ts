import { BerthError } from '@berth/errors';
import { agentIdIn, ListOrder, refuseOthers } from './list-query.js';

interface Item {
  id: string;
  size: number;
}

const order = new ListOrder<Item>({ id: ({ id }) => id, size: ({ size }) => size }, ({ id }) => id, 'id');
const item = (id: string, size = 0): Item => ({ id, size });
const ids = (items: readonly Item[]): string => items.map(({ id }) => id).join('');

/** Message of the refusal, which must be the client's fault. */
function refusal(act: () => unknown): string {
  try {
    act();
  } catch (thrown) {
    expect(BerthError.from(thrown).code).toBe('BERTH_BAD_REQUEST');
    return (thrown as Error).message;
  }
  throw new Error('it was taken');
}

describe('order and pages of a list', () => {
  const items = [item('c', 1), item('a', 2), item('d', 2), item('b', 2)];

  it('is as it is when nothing is asked for', () => {
    expect(order.page(items, order.read({}))).toEqual({ items, count: 4 });
  });

  it.each([
    [{ sort: 'id' }, 'abcd'],
    [{ sort: '-id' }, 'dcba'],
    [{ sort: 'size' }, 'cabd'],
    [{ sort: '-size' }, 'dbac'],
    [{ limit: '2' }, 'ab'],
    [{ limit: '2', sort: '-size' }, 'db'],
  ])('%j shows %s, the same each time', (query, shown) => {
    const { items: first, count } = order.page(items, order.read(query));
    expect([ids(first), count]).toEqual([shown, 4]);
    expect(ids(order.page(items.toReversed(), order.read(query)).items)).toBe(shown);
  });

  it.each(['id', '-id', 'size', '-size'])('pages by %s have each entry once, and end', (sort) => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = order.page(items, order.read({ limit: '1', ...(cursor === undefined ? { sort } : { cursor }) }));
      seen.push(ids(page.items));
      cursor = page.next_cursor;
    } while (cursor !== undefined && seen.length <= items.length);
    expect(seen.join('')).toBe(ids(order.page(items, order.read({ sort })).items));
  });

  it('an entry that comes or goes meanwhile neither repeats others nor hides them', () => {
    const first = order.page(items, order.read({ limit: '2' }));
    expect(ids(first.items)).toBe('ab');
    // The last one that was shown has gone, one has come before it, and one behind.
    const now = [item('c'), item('d'), item('a'), item('aa'), item('e')];
    const second = order.page(now, order.read({ limit: '5', cursor: first.next_cursor }));
    expect(ids(second.items)).toBe('cde');
    expect(second).not.toHaveProperty('next_cursor');
  });

  it.each(['0', '-1', '1001', '1e3', '', ' 5', '5.0', '99999999999999999999'])('limit=%s is refused', (limit) => {
    expect(refusal(() => order.read({ limit }))).toBe('limit must be a whole number from 1 to 1000');
  });

  it.each(['', '-', 'Id', '--id', 'toString', '__proto__', '-constructor'])('sort=%s is refused', (sort) => {
    expect(refusal(() => order.read({ sort }))).toMatch(/^sort must be one of id, size,/);
  });

  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    ['nothing', ''],
    ['no JSON', 'AAAA'],
    ['another shape', encoded({ id: 'a' })],
    ['too little', encoded(['id'])],
    ['a key of another type', encoded(['id', { a: 1 }, 'a'])],
    ['a sort that there is not', encoded(['toString', 'a', 'a'])],
    ['far too much', encoded(['id', 'a'.repeat(9000), 'a'])],
    ['null', encoded(null)],
  ])('a cursor that is %s is refused', (_, cursor) => {
    expect(refusal(() => order.read({ cursor }))).toMatch(/^cursor is none that this list has given/);
  });

  it('a cursor goes with the order that it was made in', () => {
    const { next_cursor } = order.page(items, order.read({ limit: '1', sort: '-size' }));
    const cursor = next_cursor as string;
    expect(order.read({ cursor, sort: '-size' })).toMatchObject({ sort: '-size', after: [2, 'd'] });
    expect(refusal(() => order.read({ cursor, sort: 'id' }))).toBe('cursor belongs to a list with sort=-size');
  });

  it('parameters given twice, or by a wrong name, are refused by name', () => {
    expect(refusal(() => order.read({ limit: ['1', '2'] }))).toBe('limit must be given once');
    expect(refusal(() => order.read({ sort: ['id', 'id'] }))).toBe('sort must be given once');
    expect(refusal(() => refuseOthers({ limit: '1', stat: 'x' }, ['limit', 'state']))).toBe(
      'stat is no parameter; there are limit, state',
    );
  });

  it('a pattern of stars takes no time, and one that is none is refused in few words', () => {
    const fits = agentIdIn({ agent_id: '*a'.repeat(30) });
    const since = performance.now();
    expect(fits?.(`${'a'.repeat(29)}b`)).toBe(false);
    expect(performance.now() - since).toBeLessThan(500);
    expect(refusal(() => agentIdIn({ agent_id: '(a+)+$'.repeat(1000) })).length).toBeLessThan(300);
  });
});
