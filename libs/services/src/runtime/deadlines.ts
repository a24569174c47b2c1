import { steadyNow } from './clock.js';

/** Something that ends at a time. */
export interface Expiring {
  /** {@link steadyNow} */
  readonly deadline: number;
  /** its place in the heap, -1 outside of it; {@link Deadlines} keeps it */
  heapIndex: number;
}

/** The longest sleep: an idle timer keeps a process alive no longer than this, and none overflows. */
const HORIZON_MS = 1000;

/**
 * Tells what is over time, with one timer for all: a timer for each would cost more than the rest of a call. A binary
 * heap whose elements know their place; the usual deadline, later than all others, is added with a single comparison.
 */
export class Deadlines<T extends Expiring> {
  private readonly heap: T[] = [];
  private timer: NodeJS.Timeout | undefined;
  private armedFor = 0;

  /**
   * @param expire called once for each item that is due; it is out of the heap then
   * @param holdsProcess whether the process may not end while items wait; without items it may in any case
   */
  constructor(
    private readonly expire: (item: T) => void,
    private holdsProcess = true,
  ) {}

  add(item: T): void {
    this.put(item, this.heap.length);
    this.up(item);
    if (this.timer === undefined || item.deadline < this.armedFor) this.arm(item.deadline);
    else if (this.heap.length === 1 && this.holdsProcess) this.timer.ref();
  }

  remove(item: T): void {
    const at = item.heapIndex;
    if (at < 0) return;
    item.heapIndex = -1;
    const last = this.heap.pop() as T;
    if (this.heap.length === 0) this.timer?.unref();
    if (last === item) return;
    this.put(last, at);
    this.up(last);
    this.down(last);
  }

  /** The one that is due first. */
  get first(): T | undefined {
    return this.heap[0];
  }

  /** From now on items do not keep the process alive. */
  letGo(): void {
    this.holdsProcess = false;
    this.timer?.unref();
  }

  /** Forgets all of them, and the timer. */
  close(): void {
    for (const item of this.heap) item.heapIndex = -1;
    this.heap.length = 0;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private arm(deadline: number): void {
    clearTimeout(this.timer);
    const now = steadyNow();
    const delay = Math.min(Math.max(deadline - now, 1), HORIZON_MS);
    this.armedFor = now + delay;
    this.timer = setTimeout(this.sweep, delay);
    if (!this.holdsProcess) this.timer.unref();
  }

  private readonly sweep = (): void => {
    this.timer = undefined;
    const now = steadyNow();
    for (let item = this.heap[0]; item !== undefined && item.deadline <= now; item = this.heap[0]) {
      this.remove(item);
      this.expire(item);
    }
    const next = this.heap[0];
    // What expire() added may have armed the timer.
    if (next !== undefined && (this.timer as NodeJS.Timeout | undefined) === undefined) this.arm(next.deadline);
  };

  private up(item: T): void {
    let at = item.heapIndex;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.heap[parentAt] as T;
      if (parent.deadline <= item.deadline) break;
      this.put(parent, at);
      at = parentAt;
    }
    this.put(item, at);
  }

  private down(item: T): void {
    const { heap } = this;
    let at = item.heapIndex;
    for (let childAt = 2 * at + 1; childAt < heap.length; childAt = 2 * at + 1) {
      const right = heap[childAt + 1];
      if (right !== undefined && right.deadline < (heap[childAt] as T).deadline) childAt += 1;
      const child = heap[childAt] as T;
      if (item.deadline <= child.deadline) break;
      this.put(child, at);
      at = childAt;
    }
    this.put(item, at);
  }

  private put(item: T, at: number): void {
    this.heap[at] = item;
    item.heapIndex = at;
  }
}
