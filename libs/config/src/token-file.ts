import { readFileSync } from 'node:fs';

/** The secret, or what is wrong with its file. */
export type TokenReading = { readonly token: string } | { readonly problem: string };

/**
 * Reads a shared secret.
 *
 * @param path absolute path of the file
 * @returns the file's text without the white space around it; an empty file is a problem
 */
export function readTokenFile(path: string): TokenReading {
  try {
    const token = readFileSync(path, 'utf8').trim();
    return token === '' ? { problem: 'names a file that is empty' } : { token };
  } catch (error) {
    return { problem: `names a file that cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'error'}` };
  }
}
