import { Backlog, type ByteSink, type Corkable, passesBy } from './backlog.js';

/**
 * Writes what comes of an exchange at the pace of its consumer: short bytes pass
 * by while it keeps up; a {@link Backlog} is made when it first lags, and the
 * end waits for what stands before it.
 */
export abstract class PacedWriter {
  /** undefined while the consumer has never been slow */
  private backlog: Backlog | undefined;
  private endWaits = false;

  /** what the bytes are written to */
  protected abstract readonly target: ByteSink;
  /** the socket below it; null when it is gone */
  protected abstract readonly network: Corkable | null;
  /** The consumer has so many bytes more. */
  protected abstract taken(bytes: number): void;
  /** All has been written: ends {@link target}. */
  protected abstract finish(): void;

  /** The consumer has not taken all that it was sent. */
  get behind(): boolean {
    return this.backlog !== undefined && !this.backlog.empty;
  }

  protected write(bytes: Buffer): void {
    if (!this.behind && passesBy(this.target, bytes)) {
      this.target.write(bytes);
      this.taken(bytes.length);
      return;
    }
    this.backlog ??= new Backlog(
      this.target,
      () => this.network,
      (count) => {
        this.flushed(count);
      },
    );
    this.backlog.add(bytes);
  }

  /** Calls {@link finish} now, or when what was written before has left. */
  protected finishInTurn(): void {
    if (this.behind) this.endWaits = true;
    else this.finish();
  }

  private flushed(bytes: number): void {
    this.taken(bytes);
    if (!this.endWaits || this.behind) return;
    this.endWaits = false;
    this.finish();
  }
}
