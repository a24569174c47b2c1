import { DatabaseSync } from 'node:sqlite';
import { TempFolder } from '../../testing/temp-folder.js';
import { takeDatabase } from './schema.js';
import { SqliteStore } from './sqlite-store.js';

describe('a file that is full', () => {
  it('refuses what does not fit, whole, and goes on when there is room again', async () => {
    using folder = new TempFolder();
    const place = { file: folder.file('state.db'), setting: 'state.file' };
    const database = new DatabaseSync(place.file);
    takeDatabase(database, place);
    const failures: string[] = [];
    await using store = new SqliteStore(database, place, Date.now, ({ code }) => failures.push(code));
    const seen: string[] = [];
    store.watch('', ({ key }) => seen.push(key));
    const before = await store.put('first', 1);
    database.exec('PRAGMA max_page_count = 8');
    const large = 'x'.repeat(100_000);
    await expect(store.put('large', large)).rejects.toMatchObject({
      code: 'BERTH_STATE_UNUSABLE',
      message: expect.stringMatching(/^state\.file: .*state\.db: .*database or disk is full$/) as string,
    });
    await expect(store.append('log', large)).rejects.toMatchObject({ code: 'BERTH_STATE_UNUSABLE' });
    await expect(store.put('first', 2, { ifRevision: 7 })).rejects.toMatchObject({ code: 'BERTH_STATE_CONFLICT' });
    // Two that did not fit; a conflict is none of them.
    expect(failures).toEqual(['BERTH_STATE_UNUSABLE', 'BERTH_STATE_UNUSABLE']);
    expect(await store.list('')).toEqual([{ key: 'first', value: 1, revision: before }]);
    database.exec('PRAGMA max_page_count = 1000');
    expect(await store.put('large', large)).toBe(before + 1);
    expect(await store.append('log', large)).toBeGreaterThan(0);
    expect(seen).toEqual(['first', 'large']);
  });
});
