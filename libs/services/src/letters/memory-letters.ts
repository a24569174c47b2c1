import { lendInvocation } from '../runtime/isolation.js';
import type { DeadLetter, DeadLetterLimits, DeadLetterStore } from './dead-letter.js';

/** Letters by their ids, the oldest first, and the bytes of their payloads. */
class Letters {
  readonly all = new Map<string, DeadLetter>();
  bytes = 0;

  add(id: string, letter: DeadLetter): void {
    this.all.set(id, letter);
    this.bytes += letter.invocation.payload.length;
  }

  remove(id: string): boolean {
    this.bytes -= this.all.get(id)?.invocation.payload.length ?? 0;
    return this.all.delete(id);
  }

  /** The oldest one, if there are too many; the newest stays in any case. */
  surplus(limit: number, bytes: number): DeadLetter | undefined {
    const { size } = this.all;
    if (size <= limit && (this.bytes <= bytes || size <= 1)) return undefined;
    return this.all.values().next().value;
  }
}

/** Dead letters in memory: they are forgotten with the process. */
export class MemoryDeadLetters implements DeadLetterStore {
  private readonly all = new Letters();
  private readonly scopes = new Map<string, Letters>();

  constructor(private readonly limits: DeadLetterLimits) {}

  add(letter: DeadLetter): Promise<void> {
    const { deadLetterLimit, deadLetterBytes, deadLetterTotal, deadLetterTotalBytes } = this.limits;
    const { service, partition } = letter.invocation;
    const scope = scopeOf(service, partition);
    this.drop(scope, letter.id);
    const letters = this.scopes.get(scope) ?? new Letters();
    this.scopes.set(scope, letters);
    letters.add(letter.id, letter);
    this.all.add(`${scope}/${letter.id}`, letter);
    const surplus = (): DeadLetter | undefined =>
      letters.surplus(deadLetterLimit, deadLetterBytes) ?? this.all.surplus(deadLetterTotal, deadLetterTotalBytes);
    for (let old = surplus(); old !== undefined; old = surplus())
      this.drop(scopeOf(old.invocation.service, old.invocation.partition), old.id);
    return Promise.resolve();
  }

  list(service: string, partition: number, limit: number): Promise<DeadLetter[]> {
    const letters = this.scopes.get(scopeOf(service, partition))?.all.values() ?? [];
    return Promise.resolve([...letters].slice(0, limit).map(lent));
  }

  get(service: string, partition: number, id: string): Promise<DeadLetter | undefined> {
    const letter = this.scopes.get(scopeOf(service, partition))?.all.get(id);
    return Promise.resolve(letter === undefined ? undefined : lent(letter));
  }

  remove(service: string, partition: number, id: string): Promise<boolean> {
    return Promise.resolve(this.drop(scopeOf(service, partition), id));
  }

  private drop(scope: string, id: string): boolean {
    const letters = this.scopes.get(scope);
    if (letters?.remove(id) !== true) return false;
    if (letters.all.size === 0) this.scopes.delete(scope);
    return this.all.remove(`${scope}/${id}`);
  }
}

function scopeOf(service: string, partition: number): string {
  return `${service}/${partition}`;
}

/** Whoever has it may change its bytes. */
function lent(letter: DeadLetter): DeadLetter {
  return { ...letter, invocation: lendInvocation(letter.invocation) };
}
