import { readFileSync } from 'node:fs';

/** Version of the package that this file belongs to, whether it runs compiled or as source. */
export function ownVersion(): string {
  for (let folder = new URL('./', import.meta.url); folder.pathname !== '/'; folder = new URL('../', folder)) {
    try {
      const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version?: string };
      if (version !== undefined) return version;
    } catch {
      // Not in this folder: the one above is next.
    }
  }
  return 'unknown';
}
