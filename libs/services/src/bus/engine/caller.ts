import { AgingMap } from '../../runtime/aging-map.js';
import type { Call } from './call.js';

/** Answers that are kept for a caller, and bytes of them: those that a broken connection may have lost. */
const MOST_ANSWERS = 1_024;
const MOST_BYTES = 4 * 1024 * 1024;
/** A Buffer below it may hold all of the piece that Node has cut it from, and is kept as text (latin1). */
const SMALL_BYTES = Buffer.poolSize / 2;

/** What a process knows of another one that calls it. */
export class Caller {
  /** its calls that have not been answered */
  readonly calls = new Map<number, Call>();
  /** the highest number of a call that has come */
  private seen = 0;
  /** up to it calls may have come whose answers are not kept any more; all others that came are in one of the maps */
  private floor = 0;
  /** the newest ones */
  private readonly answers = new AgingMap<number, Buffer | string>();
  private bytes = 0;
  /** up to it calls may have been given back, or never have come */
  private back = 0;
  /** calls that it was told have not come: they must not come any more */
  private readonly missed = new Set<number>();

  /** @param forgotten it may have called before, and nobody knows which of its calls have come */
  constructor(private readonly forgotten = false) {}

  /** @returns whether it may be taken */
  came(number: number): boolean {
    this.seen = Math.max(this.seen, number);
    return !this.missed.has(number);
  }

  /** @param number of a call that others have to do now, or the same process again */
  gaveBack(number: number): void {
    this.back = Math.max(this.back, number);
  }

  /**
   * Whether a call is here, or has ended here. Who was sent behind one that was not must not overtake it; that a newer
   * one, of another object perhaps, was given back is doubt enough.
   */
  hasTaken(number: number): boolean {
    if (number <= this.back) return false;
    return this.calls.has(number) || this.answers.has(number) || number <= this.floor;
  }

  keep(number: number, answer: Buffer): void {
    // A call that was late, or left, is answered again when its method has ended.
    this.bytes += answer.length - (this.answers.get(number)?.length ?? 0);
    this.answers.set(number, answer.length < SMALL_BYTES ? answer.toString('latin1') : answer);
    while (this.answers.size > MOST_ANSWERS || this.bytes > MOST_BYTES) {
      const oldest = this.answers.oldest as number;
      this.floor = Math.max(this.floor, oldest);
      this.bytes -= this.answers.get(oldest)?.length ?? 0;
      this.answers.delete(oldest);
    }
  }

  /** What became of a call: its answer, or whether it runs, has never come, or is not known any more. */
  find(number: number): Buffer | 'here' | 'missed' | 'lost' {
    const answer = this.answers.get(number);
    if (answer !== undefined) return typeof answer === 'string' ? Buffer.from(answer, 'latin1') : answer;
    if (this.calls.has(number)) return 'here';
    if (number <= this.floor || this.forgotten) return 'lost';
    this.missed.add(number);
    this.gaveBack(number);
    return 'missed';
  }

  /** It has gone: what is known of its calls is only that they have come. */
  forget(): void {
    this.floor = this.seen;
    this.back = this.seen;
    this.calls.clear();
    this.answers.clear();
    this.bytes = 0;
  }
}
