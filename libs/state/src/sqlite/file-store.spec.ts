import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Child } from '@berth/testing';
import { everyStore } from '../../testing/contract.js';
import { TempFolder } from '../../testing/temp-folder.js';
import type { RecordStore } from '../index.js';
import { type FileStoreOptions, openFileStore } from './open-file-store.js';

const folder = new TempFolder();
afterAll(() => {
  folder[Symbol.dispose]();
});
let made = 0;
const newName = (): string => folder.file(`state-${(made += 1)}.db`);

const warnings: { fields: Record<string, unknown>; message: string }[] = [];
beforeEach(() => {
  warnings.length = 0;
});
const open = (file: string, more: Partial<FileStoreOptions> = {}): Promise<RecordStore> =>
  openFileStore({
    file,
    setting: 'state.file',
    resetDamaged: false,
    resetSetting: 'state.resetDamaged',
    warn: (fields, message) => void warnings.push({ fields, message }),
    now: () => 1000,
    ...more,
  });

everyStore('a file', () => open(newName()));

describe('a file', () => {
  it('keeps records, revisions and logs from one process to the next', async () => {
    const file = newName();
    const before = await open(file);
    await before.put('a', { port: 1 });
    const revision = await before.put('b', 2);
    await before.delete('b');
    const offset = await before.append('audit', 'x');
    await before.trim('audit', offset + 1);
    await before.close();
    await using after = await open(file);
    expect(await after.get('a')).toMatchObject({ value: { port: 1 } });
    expect(await after.put('b', 3)).toBeGreaterThan(revision + 1);
    expect(await after.append('audit', 'y')).toBeGreaterThan(offset);
  });

  it('keeps what a process had written when it was killed, and is free at once', async () => {
    const file = newName();
    const program = `
      const { openFileStore } = await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)});
      const store = await openFileStore({ file: process.argv[1], setting: 'f', resetDamaged: false, resetSetting: 'r', warn() {} });
      for (let i = 0; i < 100; i += 1) await store.put('n', i);
      console.log('written');
      setInterval(() => undefined, 1000);
    `;
    await using writer = new Child(process.execPath, ['--input-type=module', '-e', program, file]);
    await writer.printed(/written/);
    await expect(open(file)).rejects.toMatchObject({
      code: 'BERTH_STATE_LOCKED',
      message: `state.file: ${file} is in use by another process; each gateway needs a file of its own`,
    });
    writer.kill('SIGKILL');
    await writer.exit;
    await using after = await open(file);
    expect(await after.get('n')).toMatchObject({ value: 99 });
  });

  it('is not opened twice within one process either, and the first goes on', async () => {
    const file = newName();
    await using first = await open(file);
    await expect(open(file, { resetDamaged: true })).rejects.toMatchObject({ code: 'BERTH_STATE_LOCKED' });
    await first.put('a', 1);
    await expect(open(file)).rejects.toMatchObject({ code: 'BERTH_STATE_LOCKED' });
    await first.sync();
    // Whoever syncs closes a descriptor of its own; that must not give the lock away.
    await using other = new Child(process.execPath, [
      '-e',
      `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(file)}).exec('SELECT * FROM records')`,
    ]);
    expect(await other.exit).toBe(1);
    expect(other.stderr).toContain('database is locked');
  });

  it('is for its owner alone', async () => {
    const file = newName();
    await using store = await open(file);
    await store.put('a', 1);
    for (const part of ['', '-wal']) expect(statSync(file + part).mode & 0o777).toBe(0o600);
  });
});

describe('a file that cannot be used', () => {
  it('is in a directory that does not exist, or that is none, or is a directory', async () => {
    await expect(open(folder.file('none/state.db'))).rejects.toMatchObject({
      code: 'BERTH_STATE_UNUSABLE',
      message: `state.file: the directory ${folder.file('none')} does not exist`,
    });
    writeFileSync(folder.file('plain'), '');
    await expect(open(folder.file('plain/state.db'))).rejects.toThrow(`${folder.file('plain')} is no directory`);
    mkdirSync(folder.file('folder.db'));
    await expect(open(folder.file('folder.db'))).rejects.toThrow(`${folder.file('folder.db')} is no file`);
  });

  it('is in a directory that is not writable', async () => {
    // Root may write anywhere but where the kernel says no.
    if (process.getuid?.() === 0) {
      await expect(open('/proc/state.db')).rejects.toThrow(
        /^state\.file: \/proc\/state\.db cannot be made|not writable/,
      );
      return;
    }
    mkdirSync(folder.file('closed'));
    chmodSync(folder.file('closed'), 0o500);
    await expect(open(folder.file('closed/state.db'))).rejects.toThrow(
      `state.file: the directory ${folder.file('closed')} is not writable (EACCES)`,
    );
  });

  it("is another program's database, or a newer version's, and is left as it is", async () => {
    const file = newName();
    using other = new DatabaseSync(file);
    other.exec('CREATE TABLE theirs (x); PRAGMA application_id = 7');
    other.close();
    const bytes = readFileSync(file);
    await expect(open(file, { resetDamaged: true })).rejects.toMatchObject({
      code: 'BERTH_STATE_UNUSABLE',
      message: `state.file: ${file} is a database of another program`,
    });
    expect(readFileSync(file)).toEqual(bytes);

    const newer = newName();
    await (await open(newer)).close();
    using later = new DatabaseSync(newer);
    later.exec('PRAGMA user_version = 99');
    later.close();
    await expect(open(newer, { resetDamaged: true })).rejects.toThrow(
      `${newer} was written by a newer version (schema 99, here 1)`,
    );
  });
});

describe('a damaged file', () => {
  const noise = (file: string): Promise<void> => {
    writeFileSync(file, 'this is no database\n'.repeat(500));
    return Promise.resolve();
  };
  const filled = async (file: string): Promise<void> => {
    await using store = await open(file);
    for (let i = 0; i < 500; i += 1) await store.put(`leases/agent-${i}/default`, { port: i, text: 'x'.repeat(100) });
  };
  const middleLost = async (file: string): Promise<void> => {
    await filled(file);
    const bytes = readFileSync(file);
    bytes.fill(0xaa, 4096, bytes.length - 4096);
    writeFileSync(file, bytes);
  };
  const endLost = async (file: string): Promise<void> => {
    await filled(file);
    truncateSync(file, 8192);
  };
  const valueLost = async (file: string): Promise<void> => {
    await filled(file);
    using database = new DatabaseSync(file);
    database.exec(`UPDATE records SET value = '{"port":' WHERE key = 'leases/agent-7/default'`);
  };
  const tableLost = async (file: string): Promise<void> => {
    await filled(file);
    using database = new DatabaseSync(file);
    database.exec('DROP TABLE entries');
  };

  it.each([
    ['noise', noise],
    ['a lost middle', middleLost],
    ['a lost end', endLost],
    ['a value that is cut off', valueLost],
    ['a missing table', tableLost],
  ])('with %s is named, kept as a copy, and opened only with the flag', async (_, damage) => {
    const file = newName();
    await damage(file);
    const bytes = readFileSync(file);
    const failure = await open(file).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(failure).toMatchObject({ code: 'BERTH_STATE_DAMAGED' });
    const [, copy = ''] = /a copy is kept as (\S+)\. Put a backup/.exec(failure?.message ?? '') ?? [];
    expect(failure?.message).toContain(`state.file: ${file} is damaged: `);
    expect(failure?.message).toContain('set state.resetDamaged');
    expect(readFileSync(copy)).toEqual(bytes);

    // One that is started again and again does not fill the disk.
    await expect(open(file)).rejects.toThrow(copy);
    const copies = (): string[] => readdirSync(folder.path).filter((name) => folder.file(name).startsWith(`${file}.`));
    expect(copies()).toHaveLength(1);

    await using store = await open(file, { resetDamaged: true });
    expect(warnings).toEqual([
      { fields: { file, copy, reason: expect.any(String) }, message: expect.stringContaining('state.resetDamaged') },
    ]);
    expect(await store.list('')).toEqual([]);
    await store.put('a', 1);
    expect(readFileSync(copy)).toEqual(bytes);
  });

  it('with the flag, one that is whole stays as it is', async () => {
    const file = newName();
    await filled(file);
    await using store = await open(file, { resetDamaged: true });
    expect(await store.list('')).toHaveLength(500);
    expect(warnings).toEqual([]);
  });
});
