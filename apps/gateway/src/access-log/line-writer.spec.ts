import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@berth/testing';
import { LineWriter } from './line-writer.js';

describe('a writer of lines', () => {
  it('goes on within a line of which a part was taken, in order, when there is room', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-lines-'));
    // A pipe takes what fits into it, as a disk does that is nearly full.
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    let failures = 0;
    let dropped = 0;
    const writer = new LineWriter(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), {
      dropped: (lines) => (dropped += lines),
      failed: () => (failures += 1),
    });
    const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join(''));
    writer.add(bytes, 20_000);
    writer.add(Buffer.from('last\n'), 1);
    await eventually(() => failures > 0);
    const room = Buffer.alloc(2 * bytes.length);
    let read = 0;
    await eventually(() => {
      read += readSync(reader, room, read, room.length - read, null);
      writer.retry();
      return read === bytes.length + 5;
    });
    expect(room.toString('latin1', 0, read)).toBe(`${bytes.toString()}last\n`);
    await new Promise<void>((resolve) => {
      writer.end(resolve);
    });
    expect(dropped).toBe(0);
    closeSync(reader);
    await rm(folder, { recursive: true });
  });
});
