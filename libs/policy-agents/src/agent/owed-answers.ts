/** Answers that are remembered; of more, the oldest is forgotten. */
const MAX = 1000;

/** What may still come: to a question that nobody waits for any more, or to an event that asked nothing. */
export type Owed = 'late' | 'complete';

/** Which answers of one connection are no surprise. */
export class OwedAnswers {
  private readonly owed = new Map<string, Owed>();

  expect(correlationId: string, owed: Owed): void {
    this.owed.set(correlationId, owed);
    if (this.owed.size <= MAX) return;
    for (const oldest of this.owed.keys()) {
      this.owed.delete(oldest);
      break;
    }
  }

  /** @returns undefined: nothing was owed */
  take(correlationId: string): Owed | undefined {
    const owed = this.owed.get(correlationId);
    if (owed !== undefined) this.owed.delete(correlationId);
    return owed;
  }
}
