/** Pings in a row without an answer after which a link is given up. */
const MISSED_PINGS = 3;

/**
 * Whether anything comes over a link. Not every agent answers pings: of one that
 * never did, silence says nothing, as long as it answers questions.
 */
export class Heartbeat {
  private sequence = 0;
  private missed = 0;
  private heard = true;
  private answersPings = false;
  private pingedAt: number;

  /**
   * @param intervalMs between two pings; 0: none
   * @param send sends a ping
   * @param now monotonic ms
   */
  constructor(
    private readonly intervalMs: number,
    private readonly send: (sequence: number) => void,
    now: number,
  ) {
    this.pingedAt = now;
  }

  /** Whatever it was. */
  anything(): void {
    this.heard = true;
  }

  pong(): void {
    this.answersPings = true;
  }

  /**
   * To be called about once a second.
   *
   * @param failing the agent does not answer questions either
   * @returns what has changed: a ping was not answered, one was again, or the link is dead
   */
  tick(now: number, failing: boolean): 'late' | 'answered' | 'dead' | undefined {
    if (this.intervalMs === 0 || now < this.pingedAt + this.intervalMs) return undefined;
    const wasLate = this.missed > 0;
    this.missed = this.heard || !(this.answersPings || failing) ? 0 : this.missed + 1;
    if (this.missed >= MISSED_PINGS) return 'dead';
    this.heard = false;
    this.pingedAt = now;
    this.sequence += 1;
    this.send(this.sequence);
    if (this.missed > 0) return 'late';
    return wasLate ? 'answered' : undefined;
  }
}
