/** Exchanges that are remembered; of more, one is forgotten until its next question. */
const MAX = 100_000;

/** What is remembered of an exchange. */
interface Kept {
  readonly correlationId: string;
  /** no question is at hand */
  readonly isIdle: boolean;
  /** monotonic ms of the last question */
  readonly beganAt: number;
}

/** The exchanges that belong to one connection (checklist C8), by their correlation ids. */
export class Affinity<C extends Kept> {
  /** exchanges that were forgotten before their end */
  evictions = 0;
  private readonly byId = new Map<string, C>();

  get size(): number {
    return this.byId.size;
  }

  get(correlationId: string): C | undefined {
    return this.byId.get(correlationId);
  }

  /** @returns false when another exchange has its id */
  keep(conversation: C): boolean {
    const { correlationId } = conversation;
    const known = this.byId.get(correlationId);
    if (known !== undefined) return known === conversation;
    if (this.byId.size >= MAX) this.makeRoom();
    this.byId.set(correlationId, conversation);
    return true;
  }

  forget(conversation: C): void {
    const { correlationId } = conversation;
    if (this.byId.get(correlationId) === conversation) this.byId.delete(correlationId);
  }

  /** Forgets those that nobody has asked about for long. @param before monotonic ms */
  sweep(before: number): void {
    for (const conversation of this.byId.values()) {
      if (conversation.isIdle && conversation.beganAt < before) this.evict(conversation);
    }
  }

  /** Forgets all. @returns who they were */
  clear(): readonly C[] {
    const all = [...this.byId.values()];
    this.byId.clear();
    return all;
  }

  private makeRoom(): void {
    for (const conversation of this.byId.values()) {
      if (!conversation.isIdle) continue;
      this.evict(conversation);
      return;
    }
  }

  private evict(conversation: C): void {
    this.byId.delete(conversation.correlationId);
    this.evictions += 1;
  }
}
