import { AgingMap } from '../runtime/aging-map.js';
import type { Found } from './entry.js';

/** Bytes of all that is known, 32 MiB, and what each of them has beside its value. */
const MOST_BYTES = 32 * 1024 * 1024;
const OWN_BYTES = 512;

/** The entries that were read or written last, so that a next write need not read first. Others may have changed them. */
export class Known {
  private readonly entries = new AgingMap<string, Found>();
  private bytes = 0;

  get(key: string): Found | undefined {
    return this.entries.get(key);
  }

  set(key: string, found: Found): void {
    this.delete(key);
    this.entries.set(key, found);
    this.bytes += found.length + OWN_BYTES;
    while (this.bytes > MOST_BYTES) this.delete(this.entries.oldest as string);
  }

  delete(key: string): void {
    const found = this.entries.get(key);
    if (found === undefined) return;
    this.bytes -= found.length + OWN_BYTES;
    this.entries.delete(key);
  }
}
