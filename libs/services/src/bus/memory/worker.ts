import type { BusHandler } from '../invocation-bus.js';
import type { MemoryCall } from './call.js';
import { LinkedList } from './linked-list.js';
import type { Group, Scope } from './routing.js';

/** The handler of one subscription and what it is at. */
export class Worker {
  /** takes invocations; false for good once it leaves */
  open = true;
  readonly running = new LinkedList<MemoryCall>();
  /** where its work comes from */
  readonly groups: Group[] = [];
  private turn = 0;
  private readonly leaving: (() => void)[] = [];

  constructor(
    readonly scope: Scope,
    readonly objectId: string | undefined,
    readonly concurrency: number,
    readonly handler: BusHandler,
  ) {}

  get free(): boolean {
    return this.running.size < this.concurrency;
  }

  /** A group with something to do. They take turns, so that a busy object method starves no stateless one. */
  nextGroup(): Group | undefined {
    const { groups } = this;
    for (let i = 0; i < groups.length; i += 1) {
      this.turn = this.turn + 1 < groups.length ? this.turn + 1 : 0;
      const group = groups[this.turn] as Group;
      if (group.ready.size > 0) return group;
    }
    return undefined;
  }

  /** @param then called when nothing runs any more, see {@link settleIdle} */
  onIdle(then: () => void): void {
    this.leaving.push(then);
    this.settleIdle();
  }

  settleIdle(): void {
    if (this.open || this.running.size > 0) return;
    for (const then of this.leaving.splice(0)) then();
  }
}
