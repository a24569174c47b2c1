/** Something that ends at a time. */
export interface Expiring {
  /** ms since 1970 */
  readonly deadline: number;
  /** where it is in the heap, -1 outside; for {@link Deadlines} alone */
  heapIndex: number;
}

/** Longest time a timer can wait, ms. */
const LONGEST_MS = 2 ** 31 - 1;

/** One timer for all that waits: a timer for each call would cost more than the rest of its bookkeeping. */
export class Deadlines<T extends Expiring> {
  readonly #heap: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Infinity;

  /** @param onExpired called once for each item that is still there at its deadline */
  constructor(private readonly onExpired: (item: T) => void) {}

  add(item: T): void {
    this.#heap.push(item);
    this.#up(this.#heap.length - 1, item);
    if (item.deadline < this.#wakesAt) this.#schedule();
  }

  /** No harm if it is not there. */
  remove(item: T): void {
    const at = item.heapIndex;
    if (at < 0) return;
    item.heapIndex = -1;
    const last = this.#heap.pop() as T;
    if (last === item) return;
    if (this.#up(at, last) === at) this.#down(at, last);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#wakesAt = Infinity;
    for (const item of this.#heap.splice(0)) item.heapIndex = -1;
  }

  /** A timer that comes too early, because its item has left, does no harm. */
  #schedule(): void {
    clearTimeout(this.#timer);
    this.#wakesAt = this.#heap[0]?.deadline ?? Infinity;
    if (this.#wakesAt === Infinity) return;
    const wait = Math.min(Math.max(0, this.#wakesAt - Date.now()), LONGEST_MS);
    this.#timer = setTimeout(() => this.#expire(), wait);
  }

  #expire(): void {
    const now = Date.now();
    for (let first = this.#heap[0]; first !== undefined && first.deadline <= now; first = this.#heap[0]) {
      this.remove(first);
      this.onExpired(first);
    }
    this.#schedule();
  }

  #up(from: number, item: T): number {
    const heap = this.#heap;
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as T;
      if (parent.deadline <= item.deadline) break;
      heap[at] = parent;
      parent.heapIndex = at;
      at = parentAt;
    }
    heap[at] = item;
    item.heapIndex = at;
    return at;
  }

  #down(from: number, item: T): void {
    const heap = this.#heap;
    let at = from;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= heap.length) break;
      if (childAt + 1 < heap.length && (heap[childAt + 1] as T).deadline < (heap[childAt] as T).deadline) childAt += 1;
      const child = heap[childAt] as T;
      if (child.deadline >= item.deadline) break;
      heap[at] = child;
      child.heapIndex = at;
      at = childAt;
    }
    heap[at] = item;
    item.heapIndex = at;
  }
}
