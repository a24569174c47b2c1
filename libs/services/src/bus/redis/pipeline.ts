/** Arguments of a script. */
export type Args = (string | Buffer)[];

/** One step that the broker takes for this process, see {@link busScript}. */
export interface Op {
  /** about how many bytes it is */
  readonly size: number;
  /** nobody needs it any more: it is not sent, unless it was already */
  readonly withdrawn: boolean;
  /** may be called again when a connection has broken: what it says must have the same effect */
  write(args: Args): void;
  /** the broker has done it */
  accepted(): void;
  /** the broker has lost its memory, and perhaps never did it */
  forgotten(): void;
  /** the broker could not do it, and will not try again */
  failed?(why: string): void;
}

/** A step that is the same however often it is written. */
export class Step implements Op {
  readonly size = 100;
  readonly withdrawn = false;

  constructor(private readonly args: readonly string[]) {}

  write(args: Args): void {
    args.push(...this.args);
  }

  accepted(): void {
    return undefined;
  }

  /** What the broker does not know needs no end. */
  forgotten(): void {
    return undefined;
  }
}

export interface PipelineEvents {
  /** to send a batch; resolves with the script's answer */
  submit(sequence: number, ops: Args): Promise<unknown>;
  /** an answer that is not `DONE` */
  answered(answer: unknown): void;
  failed(thrown: unknown): void;
  /** the broker could not do a step, see {@link Op.failed} */
  dropped(why: string): void;
}

/** Few enough that the broker works on one while this process makes the next. */
const BATCH_OPS = 64;
const BATCH_BYTES = 1024 * 1024;
/** More under way would not be faster; fewer and larger batches cost less. */
const BATCHES_UNDER_WAY = 4;
/** When so many wait, those that were withdrawn are dropped; then when twice as many wait as were left. */
const COMPACT_FROM = 256;

interface Batch {
  readonly sequence: number;
  readonly ops: readonly Op[];
}

/**
 * Sends steps to the broker in order, many at a time, each of them once: batches
 * are numbered, and the broker keeps the number of the last one that it did.
 * After a break those that it did not are sent again, as they were.
 */
export class Pipeline {
  #waiting: Op[] = [];
  #compactAt = COMPACT_FROM;
  readonly #sent: Batch[] = [];
  #sequence = 0;
  #open = false;
  /** of connections: answers of earlier ones are ignored */
  #generation = 0;
  #scheduled = false;

  constructor(private readonly events: PipelineEvents) {}

  /** the last batch that the broker said it did */
  get done(): number {
    return this.#sent[0] === undefined ? this.#sequence : this.#sent[0].sequence - 1;
  }

  /** Steps that are not sent yet: never more than twice those that somebody needs, from 256 on. */
  get waiting(): number {
    return this.#waiting.length;
  }

  push(op: Op): void {
    this.#waiting.push(op);
    if (this.#waiting.length >= this.#compactAt) this.#compact();
    this.#schedule();
  }

  /** Resolves when all that was pushed before it has been done, or forgotten. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => resolve();
      const write = (args: Args): void => void args.push('P');
      this.push({ size: 0, withdrawn: false, write, accepted: done, forgotten: done });
    });
  }

  /** The connection is gone; nothing is sent until {@link resume}. */
  pause(): void {
    this.#open = false;
    this.#generation += 1;
  }

  /** @param done what the broker said that it did last */
  resume(done: number): void {
    this.#open = true;
    this.#generation += 1;
    while (this.#sent[0] !== undefined && this.#sent[0].sequence <= done) this.#accept(this.#sent[0]);
    for (const batch of this.#sent) this.#send(batch);
    this.#flush();
  }

  /** The broker has lost its memory: numbers start again, and what was sent may never have been. */
  forget(): void {
    this.pause();
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#sequence = 0;
    for (const { ops } of this.#sent.splice(0)) for (const op of ops) op.forgotten();
    for (const op of waiting) op.forgotten();
  }

  /** While the broker is away steps come and are withdrawn, as long as it takes. */
  #compact(): void {
    this.#waiting = this.#waiting.filter((op) => !op.withdrawn);
    this.#compactAt = Math.max(COMPACT_FROM, 2 * this.#waiting.length);
  }

  #schedule(): void {
    if (this.#scheduled || !this.#open) return;
    this.#scheduled = true;
    // After all promises of this turn: what they push goes in the same batch.
    process.nextTick(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#open && this.#waiting.length > 0 && this.#sent.length < BATCHES_UNDER_WAY) {
      const ops = this.#take();
      if (ops.length === 0) return;
      this.#sequence += 1;
      const batch = { sequence: this.#sequence, ops };
      this.#sent.push(batch);
      this.#send(batch);
    }
  }

  #take(): Op[] {
    const waiting = this.#waiting;
    const ops: Op[] = [];
    let bytes = 0;
    let taken = 0;
    while (taken < waiting.length && ops.length < BATCH_OPS && (bytes < BATCH_BYTES || ops.length === 0)) {
      const op = waiting[taken] as Op;
      taken += 1;
      if (op.withdrawn) continue;
      bytes += op.size;
      ops.push(op);
    }
    if (taken === waiting.length) this.#waiting = [];
    else waiting.splice(0, taken);
    return ops;
  }

  #send(batch: Batch): void {
    const generation = this.#generation;
    const args: Args = [];
    for (const op of batch.ops) op.write(args);
    this.events.submit(batch.sequence, args).then(
      (answer) => {
        if (generation !== this.#generation) return;
        const [status, failures] = Array.isArray(answer) ? readFailures(answer) : [answer];
        if (status === 'DONE') {
          this.#accept(batch, true, failures);
        } else {
          // Done, but for those who wanted to join.
          if (status === 'GONE') this.#accept(batch, false, failures);
          this.events.answered(status);
        }
        if (this.#waiting.length > 0) this.#flush();
      },
      (thrown: unknown) => {
        if (generation === this.#generation) this.events.failed(thrown);
      },
    );
  }

  #accept(batch: Batch, wholly = true, failures?: Failures): void {
    if (this.#sent[0] === batch) this.#sent.shift();
    for (const why of failures?.values() ?? []) this.events.dropped(why);
    let at = -1;
    for (const op of batch.ops) {
      at += 1;
      const why = failures?.get(at);
      if (why !== undefined) op.failed?.(why);
      else if (wholly) op.accepted();
      else op.forgotten();
    }
  }
}

/** Place in its batch to why a step was not done. */
type Failures = ReadonlyMap<number, string>;

function readFailures([status, ...rest]: readonly unknown[]): readonly [status: unknown, failures: Failures] {
  const failures = new Map<number, string>();
  for (let i = 0; i < rest.length; i += 2) failures.set(Number(rest[i]), String(rest[i + 1]));
  return [status, failures];
}
