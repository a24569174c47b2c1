import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage } from '@berth/testing';
import { type Found, NO_ENTRY } from './entry.js';
import { Known } from './known.js';

const MIB = 1024 * 1024;
const found = (length: number): Found => ({ entry: NO_ENTRY, length, revision: 1 });

describe('Known', () => {
  it('forgets those that were written longest ago, by their bytes', () => {
    const known = new Known();
    const has = (): string[] => ['a', 'b', 'c', 'd', 'e'].filter((key) => known.get(key) !== undefined);
    for (const key of ['a', 'b', 'c']) known.set(key, found(10 * MIB));
    known.set('a', found(9 * MIB));
    known.set('d', found(9 * MIB));
    expect(has()).toEqual(['a', 'c', 'd']);
    known.delete('c');
    known.set('e', found(20 * MIB));
    expect(has()).toEqual(['d', 'e']);
    known.set('b', found(40 * MIB));
    expect(has()).toEqual([]);
    known.set('c', found(1));
    expect(has()).toEqual(['c']);
  });

  it('lets go of what objects were before, however much more there is room for', async () => {
    const known = new Known();
    const written = Array.from({ length: 1000 }, (_, i) => {
      const one = found(i);
      known.set(`o${i % 10}`, one);
      return new WeakRef(one);
    });
    // What was looked at in a turn of the event loop lives until its end.
    await turn();
    collectGarbage();
    expect(written.filter((ref) => ref.deref() !== undefined)).toHaveLength(10);
    expect(known.get('o9')?.length).toBe(999);
  });
});
