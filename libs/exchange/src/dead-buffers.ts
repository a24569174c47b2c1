/** A message of less leaves little beside the objects around it, which V8 counts, bytes. */
export const BULK_BYTES = 16_384;
/** Bulk after which what it left is collected, bytes; that is two to three times as much. */
const STEP_BYTES = 8 * 1024 * 1024;
/** Steps of which the lowest count of bytes tells what young collections do not reach. */
const STEPS_OF_A_LOOK = 4;
/** What a young collection does not reach, bytes, before a full one is worth its time. */
const OLD_BYTES = 20 * 1024 * 1024;
/** A larger heap is left to V8, bytes: a full collection in one piece would hold up everybody for too long. */
const LARGE_HEAP_BYTES = 256 * 1024 * 1024;
/** Looks that are left out after a full collection, which takes some ten milliseconds: 480 MiB of bulk. */
const LEAST_PAUSES = 15;
/** And after several in a row that found little. */
const MOST_PAUSES = 120;

/** What of V8 is needed: see `gc` and `process.memoryUsage()` of Node. */
export interface Collector {
  collect(type: 'minor' | 'major'): void;
  memory(): { readonly arrayBuffers: number; readonly heapUsed: number };
}

/**
 * Has the buffers collected that relayed bytes leave behind. They lie outside the
 * heap, and V8 counts a few bytes of heap for each: it would look for them when
 * some ten MiB have passed, and for those that were old enough to be promoted when
 * 64 MiB of them are dead. A young collection at each step takes well under a
 * millisecond; a full one is rare (decision 0010).
 */
export class DeadBuffers {
  private passed = 0;
  private steps = 0;
  private lowest = Infinity;
  /** bytes that were there after the last full collection, or less since */
  private kept = Infinity;
  /** looks to leave out after the last full collection, and those that still are */
  private pauses = LEAST_PAUSES;
  private pausesLeft = 0;

  constructor(private readonly collector: Collector) {}

  /** @param bytes of a message that has come or goes */
  count(bytes: number): void {
    if (bytes < BULK_BYTES) return;
    this.passed += bytes;
    if (this.passed >= STEP_BYTES) this.step();
  }

  private step(): void {
    const { collector } = this;
    this.passed = 0;
    collector.collect('minor');
    const { arrayBuffers, heapUsed } = collector.memory();
    this.lowest = Math.min(this.lowest, arrayBuffers);
    this.steps += 1;
    if (this.steps < STEPS_OF_A_LOOK) return;
    const { lowest } = this;
    this.steps = 0;
    this.lowest = Infinity;
    this.kept = Math.min(this.kept, lowest);
    if (this.pausesLeft > 0) {
      this.pausesLeft -= 1;
      return;
    }
    // Bytes that wait for slow readers are no garbage: the more there are, the more must come before it is looked again.
    if (lowest - this.kept < Math.max(OLD_BYTES, this.kept / 2) || heapUsed > LARGE_HEAP_BYTES) return;
    collector.collect('major');
    this.kept = collector.memory().arrayBuffers;
    // Such bytes may come and go, and be no garbage each time.
    const isWorthIt = arrayBuffers - this.kept >= OLD_BYTES / 2;
    this.pauses = isWorthIt ? LEAST_PAUSES : Math.min(2 * this.pauses, MOST_PAUSES);
    this.pausesLeft = this.pauses;
  }
}

let buffers: DeadBuffers | undefined;

/**
 * Has the dead buffers of this process collected from now on, if it was started with `--expose-gc`. For the gateway:
 * what an agent holds for a slow service would be old after a few young collections, and cost full ones.
 */
export function collectDeadBuffers(): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  buffers ??= new DeadBuffers({
    collect: (type) => {
      gc({ type });
    },
    memory: () => process.memoryUsage(),
  });
}

/** Counts the bytes of a message that has come or goes. Does nothing before {@link collectDeadBuffers}. */
export function countBulk(bytes: number): void {
  buffers?.count(bytes);
}
