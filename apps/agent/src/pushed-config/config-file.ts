import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Puts a text into a file at once: who reads it sees what was there before or
 * all of the new. The file is its owner's alone (mode 0600).
 *
 * @throws Error of the file system; nothing is left behind, and the file is as it was
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  // In the same folder, because a rename does not lead to another file system.
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    await fill(await open(temporary, 'wx', 0o600), text);
    await rename(temporary, path);
  } catch (thrown) {
    await unlink(temporary).catch(() => undefined);
    throw thrown;
  }
}

async function fill(file: FileHandle, text: string): Promise<void> {
  try {
    await file.writeFile(text);
    // A power cut after the rename must not leave an empty file.
    await file.sync();
  } finally {
    await file.close();
  }
}
