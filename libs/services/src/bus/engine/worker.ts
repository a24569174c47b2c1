import type { Call } from './call.js';
import { LinkedList } from '../../runtime/linked-list.js';
import type { Member } from './member.js';
import type { Group, Scope } from './routing.js';

/** Takes calls: the handler of a subscription of this process, or what another one serves, and what it is at. */
export class Worker {
  /** takes calls; false for good once it leaves */
  open = true;
  readonly running = new LinkedList<Call>();
  /** where its work comes from */
  readonly groups: Group[] = [];
  /** it has left, and nothing runs any more */
  readonly idle = Promise.withResolvers<undefined>();
  private turn = 0;

  /**
   * @param begin runs a call, or sends it
   * @param member the process that it is of; absent where there is only this one
   * @param since that process's version that had it first; -1 for those of others, who say what they serve now
   */
  constructor(
    readonly concurrency: number,
    readonly begin: (call: Call, worker: Worker) => void,
    readonly member?: Member,
    readonly since = -1,
    readonly scope?: Scope,
    readonly objectId?: string,
  ) {}

  get free(): boolean {
    return this.running.size < this.concurrency && this.member?.unreached !== true;
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

  settleIdle(): void {
    if (!this.open && this.running.size === 0) this.idle.resolve(undefined);
  }
}
