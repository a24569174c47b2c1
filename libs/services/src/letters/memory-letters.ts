import type { DeadLetter, DeadLetterLimits, DeadLetterStore } from './dead-letter.js';
import { decodeLetter, encodeLetter } from './letter-codec.js';

/** Letters by their names, the oldest first, as other stores keep them: whoever reads one has one of his own. */
interface Letters {
  readonly all: Map<string, Uint8Array>;
  bytes: number;
}

/** Dead letters in memory: they are forgotten with the process. */
export class MemoryDeadLetters implements DeadLetterStore {
  /** by service and partition; `''`: all letters */
  private readonly scopes = new Map<string, Letters>();

  constructor(private readonly limits: DeadLetterLimits) {}

  add(letter: DeadLetter): Promise<void> {
    const { deadLetterLimit, deadLetterBytes, deadLetterTotal, deadLetterTotalBytes } = this.limits;
    const { service, partition } = letter.invocation;
    const scope = scopeOf(service, partition);
    // A copy: a small Buffer holds all of the piece that Node has cut it from.
    const [name, bytes] = [`${scope}\n${letter.id}`, new Uint8Array(encodeLetter(letter))];
    this.drop(scope, name);
    this.keep(scope, name, bytes, deadLetterLimit, deadLetterBytes);
    this.keep('', name, bytes, deadLetterTotal, deadLetterTotalBytes);
    return Promise.resolve();
  }

  list(service: string, partition: number, limit: number): Promise<DeadLetter[]> {
    const letters = this.scopes.get(scopeOf(service, partition))?.all.values() ?? [];
    return Promise.resolve([...letters].slice(0, limit).flatMap((bytes) => decodeLetter(bytes) ?? []));
  }

  get(service: string, partition: number, id: string): Promise<DeadLetter | undefined> {
    const bytes = this.scopes.get('')?.all.get(`${scopeOf(service, partition)}\n${id}`);
    return Promise.resolve(bytes === undefined ? undefined : decodeLetter(bytes));
  }

  remove(service: string, partition: number, id: string): Promise<boolean> {
    const scope = scopeOf(service, partition);
    return Promise.resolve(this.drop(scope, `${scope}\n${id}`));
  }

  /** The oldest make room; the newest stays in any case. */
  private keep(scope: string, name: string, letter: Uint8Array, most: number, mostBytes: number): void {
    const letters = this.scopes.get(scope) ?? { all: new Map<string, Uint8Array>(), bytes: 0 };
    this.scopes.set(scope, letters);
    const { all } = letters;
    all.set(name, letter);
    letters.bytes += letter.length;
    for (const oldest of all.keys()) {
      if (all.size <= most && (letters.bytes <= mostBytes || all.size === 1)) return;
      this.drop(oldest.slice(0, oldest.indexOf('\n')), oldest);
    }
  }

  private drop(scope: string, name: string): boolean {
    let was = false;
    for (const key of [scope, '']) {
      const letters = this.scopes.get(key);
      if (letters === undefined) continue;
      letters.bytes -= letters.all.get(name)?.length ?? 0;
      was = letters.all.delete(name);
      if (letters.all.size === 0) this.scopes.delete(key);
    }
    return was;
  }
}

function scopeOf(service: string, partition: number): string {
  return `${service}/${partition}`;
}
