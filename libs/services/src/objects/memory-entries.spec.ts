import { setImmediate as turn } from 'node:timers/promises';
import { collectGarbage } from '@berth/testing';
import { type Found, NO_ENTRY } from './entry.js';
import { KeptReplies } from './kept-replies.js';
import { MemoryEntries, ReplyRoom } from './memory-entries.js';

describe('MemoryEntries', () => {
  const room = new ReplyRoom(2 ** 30);
  afterAll(() => room.close());

  /** Keeps a reply under each new name. */
  function keeper(most: number): { entries: MemoryEntries; put: (name?: string) => void } {
    const entries = new MemoryEntries(room, most);
    let last = 0;
    const put = (name = `n${(last += 1)}`): void => {
      void entries.put(
        name,
        { ...NO_ENTRY, replies: new KeptReplies([{ key: '', until: Infinity, text: 'x' }]) },
        undefined,
      );
    };
    return { entries, put };
  }

  it('the one that was written longest ago makes room', async () => {
    const { entries, put } = keeper(3);
    const kept = async (): Promise<string[]> => {
      const names = ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'];
      const found = await Promise.all(names.map((name) => entries.get(name)));
      return names.filter((_, at) => found[at]?.entry.replies.all.length === 1);
    };
    for (let i = 0; i < 3; i += 1) put();
    put('n1');
    put();
    expect(await kept()).toEqual(['n1', 'n3', 'n4']);
    put('n3');
    put();
    put();
    expect(await kept()).toEqual(['n3', 'n5', 'n6']);
    entries.clear();
    for (const name of ['n1', 'n2', 'n3', 'n4']) put(name);
    expect(await kept()).toEqual(['n2', 'n3', 'n4']);
  });

  it('lets go of what was deleted, however much more there is room for', async () => {
    const { entries, put } = keeper(1000);
    const ends: WeakRef<Found>[] = [];
    const end = async (name: string): Promise<void> => {
      const found = await entries.put(name, NO_ENTRY, undefined);
      if (found !== undefined) ends.push(new WeakRef(found));
    };
    for (let i = 1; i <= 1000; i += 1) {
      put();
      if (i > 10) await end(`n${i - 10}`);
    }
    // What was looked at in a turn of the event loop lives until its end.
    await turn();
    collectGarbage();
    expect(ends).toHaveLength(990);
    expect(ends.filter((ref) => ref.deref() !== undefined)).toHaveLength(0);
  });
});
