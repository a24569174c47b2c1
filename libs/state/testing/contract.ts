import { BerthError } from '@berth/errors';
import type { Json, RecordChange, RecordStore } from '../src/index.js';

/**
 * What every store must hold, as tests of the running spec file.
 *
 * @param make a new, empty store; its clock stands at 1000
 */
export function everyStore(kind: string, make: () => Promise<RecordStore>): void {
  describe(`${kind}, as every store`, () => {
    testsOfRecords(make);
    testsOfWatching(make);
    testsOfLogs(make);

    it('answers nothing any more when it has been closed, which may happen twice', async () => {
      const store = await make();
      await store.put('a', 1);
      await store.close();
      await store.close();
      const uses = [() => store.get('a'), () => store.put('a', 2), () => store.list(''), () => store.sync()];
      for (const use of uses) await expect(use()).rejects.toMatchObject({ code: 'BERTH_STATE_UNUSABLE' });
      expect(() => store.watch('', () => undefined)).toThrow('closed');
    });
  });
}

function testsOfRecords(make: () => Promise<RecordStore>): void {
  it('gives back what was put, as a copy, and nothing for a key that is not there', async () => {
    await using store = await make();
    const value = { port: 8100, names: ['ä', '"'], nothing: null };
    const revision = await store.put('leases/a/default', value);
    value.names.push('later');
    const found = await store.get('leases/a/default');
    expect(found).toEqual({
      key: 'leases/a/default',
      value: { port: 8100, names: ['ä', '"'], nothing: null },
      revision,
    });
    expect(await store.get('leases/a')).toBeUndefined();
    expect((await store.get('leases/a/default'))?.value).not.toBe(found?.value);
  });

  it('revisions rise over all records, and are not used again after a record is gone', async () => {
    await using store = await make();
    const first = await store.put('a', 1);
    const second = await store.put('b', 1);
    const third = await store.put('a', 2);
    expect([second > first, third > second]).toEqual([true, true]);
    await store.delete('a');
    expect(await store.put('a', 3)).toBeGreaterThan(third);
  });

  it('compare and set: a put with the wrong revision changes nothing and says what it found', async () => {
    await using store = await make();
    await expect(store.put('a', 1, { ifRevision: 5 })).rejects.toMatchObject({
      code: 'BERTH_STATE_CONFLICT',
      message: 'record a does not exist, and not 5, as expected',
    });
    const revision = await store.put('a', 1, { ifRevision: 0 });
    await expect(store.put('a', 2, { ifRevision: 0 })).rejects.toThrow(`record a has revision ${revision}`);
    const next = await store.put('a', 2, { ifRevision: revision });
    await expect(store.put('a', 3, { ifRevision: revision })).rejects.toBeInstanceOf(BerthError);
    expect(await store.get('a')).toEqual({ key: 'a', value: 2, revision: next });
  });

  it('of several that compare and set at once, one wins', async () => {
    await using store = await make();
    const revision = await store.put('a', 'start');
    const racers = await Promise.allSettled(
      ['x', 'y', 'z'].map((value) => store.put('a', value, { ifRevision: revision })),
    );
    expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('deletes, by revision as well, and says whether there was something', async () => {
    await using store = await make();
    const revision = await store.put('a', 1);
    await expect(store.delete('a', { ifRevision: revision + 1 })).rejects.toMatchObject({
      code: 'BERTH_STATE_CONFLICT',
    });
    expect(await store.delete('a', { ifRevision: revision })).toBe(true);
    expect(await store.delete('a')).toBe(false);
    await expect(store.delete('a', { ifRevision: revision })).rejects.toMatchObject({ code: 'BERTH_STATE_CONFLICT' });
    expect(await store.get('a')).toBeUndefined();
  });

  it('lists what begins with a prefix, in the order of the keys, whatever the letters', async () => {
    await using store = await make();
    for (const key of ['b/2', 'a/zz', 'b/10', 'B/1', 'b', 'c', 'b/_=-.']) await store.put(key, key);
    const keys = async (prefix: string): Promise<string[]> => (await store.list(prefix)).map(({ key }) => key);
    expect(await keys('b/')).toEqual(['b/10', 'b/2', 'b/_=-.'].sort());
    expect(await keys('')).toEqual(['B/1', 'a/zz', 'b', 'b/10', 'b/2', 'b/_=-.', 'c']);
    expect(await keys('nothing')).toEqual([]);
  });

  it.each(['', 'a b', 'a*', 'ä', 'a\n', 'x'.repeat(513)])('refuses the key %j', async (key) => {
    await using store = await make();
    await expect(store.put(key, 1)).rejects.toMatchObject({ code: 'BERTH_STATE_INVALID' });
    await expect(store.append(key, 1)).rejects.toMatchObject({ code: 'BERTH_STATE_INVALID' });
  });

  it('refuses what JSON has no word for', async () => {
    await using store = await make();
    await expect(store.put('a', undefined as unknown as Json)).rejects.toThrow('the value of a is not JSON');
    expect(await store.list('')).toEqual([]);
  });
}

function testsOfWatching(make: () => Promise<RecordStore>): void {
  it('tells watchers of a prefix each change once, in order, until they end', async () => {
    await using store = await make();
    const seen: RecordChange[] = [];
    const end = store.watch('a/', (change) => seen.push(change));
    const first = await store.put('a/1', 'x');
    await store.put('b/1', 'not for this one');
    await store.put('a/1', 'y');
    await store.put('a/1', 'refused', { ifRevision: first }).catch(() => undefined);
    await store.delete('a/1');
    await store.delete('a/1');
    end();
    await store.put('a/2', 'too late');
    expect(seen.map(({ key, value }) => [key, value])).toEqual([
      ['a/1', 'x'],
      ['a/1', 'y'],
      ['a/1', undefined],
    ]);
    expect(seen.map(({ revision }) => revision)).toEqual(seen.map(({ revision }) => revision).sort((a, b) => a - b));
    expect(new Set(seen.map(({ revision }) => revision)).size).toBe(3);
  });

  it('a watcher that writes in turn hears of that as well', async () => {
    await using store = await make();
    const seen: unknown[] = [];
    const written: Promise<number>[] = [];
    store.watch('', ({ value }) => {
      seen.push(value);
      if (value === 1) written.push(store.put('b', 2));
    });
    await store.put('a', 1);
    await Promise.all(written);
    expect(seen).toEqual([1, 2]);
  });
}

function testsOfLogs(make: () => Promise<RecordStore>): void {
  it('a log is read from an offset on, in order, so much at a time', async () => {
    await using store = await make();
    const offsets: number[] = [];
    for (const value of ['x', 'y', 'z']) {
      offsets.push(await store.append('audit', value));
      await store.append('other', 'o');
    }
    const [first = 0, second = 0] = offsets;
    expect(second).toBeGreaterThan(first);
    const entries = await store.read('audit', 0, 10);
    expect(entries.map(({ offset, at, value }) => [offset, at, value])).toEqual(
      ['x', 'y', 'z'].map((value, index) => [offsets[index], 1000, value]),
    );
    expect((await store.read('audit', second, 1)).map(({ value }) => value)).toEqual(['y']);
    expect(await store.read('nothing', 0, 10)).toEqual([]);
  });

  it('a log is trimmed before an offset, and offsets are not used again', async () => {
    await using store = await make();
    await store.append('audit', 'x');
    const last = await store.append('audit', 'y');
    await store.append('other', 'stays');
    expect(await store.trim('audit', last)).toBe(1);
    expect((await store.read('audit', 0, 10)).map(({ value }) => value)).toEqual(['y']);
    expect(await store.trim('audit', last + 1)).toBe(1);
    expect(await store.append('audit', 'z')).toBeGreaterThan(last);
    expect(await store.read('other', 0, 10)).toHaveLength(1);
  });

  it.each([
    [-1, 1],
    [0, 0],
    [0, 1.5],
    [0, Number.NaN],
  ])('refuses to read from %d at most %d', async (from, limit) => {
    await using store = await make();
    await expect(store.read('audit', from, limit)).rejects.toMatchObject({ code: 'BERTH_STATE_INVALID' });
  });
}
