import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, renameSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@berth/testing';
import { AccessFile } from './access-file.js';
import { MAX_WAITING_BYTES } from './line-writer.js';

describe('a file for lines', () => {
  let folder: string;
  let dropped: number;
  let failures: string[];
  const listener = {
    dropped: (lines: number): void => void (dropped += lines),
    failed: (error: Error): void => void failures.push(error.message),
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-access-'));
    dropped = 0;
    failures = [];
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const read = (path: string): string => readFileSync(path, 'utf8');
  const add = (file: AccessFile, line: string): void => {
    file.lines.text(line);
    file.added();
  };

  it('has them soon, in their order, and all of them when it is closed', async () => {
    const path = join(folder, 'access.log');
    const file = new AccessFile(path, listener);
    add(file, 'one\n');
    await eventually(() => read(path) === 'one\n');
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i} ${'x'.repeat(20)}\n`);
    for (const line of lines) add(file, line);
    await file.close();
    expect(read(path)).toBe(['one\n', ...lines].join(''));
    expect([dropped, failures]).toEqual([0, []]);
  });

  it('is opened anew when asked, and no line is lost', async () => {
    const path = join(folder, 'access.log');
    const file = new AccessFile(path, listener);
    add(file, 'before\n');
    renameSync(path, join(folder, 'access.log.1'));
    file.reopen();
    add(file, 'after\n');
    await file.close();
    await eventually(() => read(join(folder, 'access.log.1')) === 'before\n');
    expect(read(path)).toBe('after\n');
  });

  it('is opened anew by itself when it was moved or removed', async () => {
    const path = join(folder, 'access.log');
    const file = new AccessFile(path, listener);
    for (const away of [
      () => {
        renameSync(path, join(folder, 'access.log.1'));
      },
      () => {
        rmSync(path);
      },
    ]) {
      away();
      await eventually(() => {
        add(file, 'x\n');
        return read(path).length > 0;
      });
    }
    await file.close();
    expect(failures).toEqual([]);
  });

  it('keeps what a full disk does not take up to a bound, drops and counts the rest, and goes on', async () => {
    const path = '/dev/full';
    const file = new AccessFile(path, listener);
    const line = `${'x'.repeat(1023)}\n`;
    const given = MAX_WAITING_BYTES / line.length + 1000;
    for (let i = 0; i < given; i += 1) add(file, line);
    // Lines are dropped by the batch, and a batch is still being filled.
    expect(dropped).toBeGreaterThan(500);
    expect(dropped).toBeLessThanOrEqual(1000);
    await eventually(() => failures.some((message) => message.includes('ENOSPC')));
    await file.close();
    expect(dropped).toBe(given);
  });

  it('lets a full disk go when it is opened anew or closed, and counts what is lost', async () => {
    const file = new AccessFile('/dev/full', listener);
    for (let i = 0; i < 3; i += 1) {
      add(file, 'x\n');
      add(file, 'y\n');
      file.reopen();
    }
    await eventually(() => failures.length === 3 && descriptorsOf('/dev/full') === 1);
    expect(dropped).toBe(6);
    add(file, 'x\n');
    await file.close();
    expect([dropped, descriptorsOf('/dev/full')]).toEqual([7, 0]);
  });

  it('cannot be in a folder that is not there, nor be a folder or a pipe that nobody reads', () => {
    expect(() => new AccessFile(join(folder, 'none', 'a.log'), listener)).toThrow(
      /^accessLog\.file: cannot open .*a\.log: .*ENOENT/,
    );
    expect(() => new AccessFile(folder, listener)).toThrow(/^accessLog\.file: cannot open .*EISDIR/);
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() => new AccessFile(pipe, listener)).toThrow(/^accessLog\.file: cannot open .*ENXIO/);
  });

  it('stays what it is when it cannot be opened anew', async () => {
    const path = join(folder, 'sub', 'access.log');
    execFileSync('mkdir', [join(folder, 'sub')]);
    const file = new AccessFile(path, listener);
    renameSync(join(folder, 'sub'), join(folder, 'moved'));
    file.reopen();
    expect(failures).toEqual([expect.stringContaining('cannot open')]);
    add(file, 'kept\n');
    await file.close();
    expect(read(join(folder, 'moved', 'access.log'))).toBe('kept\n');
  });
});

/** How often this process has a file open. */
function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === path).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // The one that the folder was read by.
    return '';
  }
}
