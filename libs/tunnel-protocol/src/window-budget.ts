/**
 * What all exchanges of a process may together hold above their start windows.
 * Growth stops when it is spent; nothing waits for it.
 *
 * Granted credit cannot be taken back, and what a reader that stands still
 * holds is gone until it reads. So a part is kept for who comes later, with one
 * rule at two levels (dynamic thresholds, Choudhury and Hahne 1998): an owner's
 * exchanges may together hold as much as then stays free in the budget, and one
 * exchange as much as then stays free of its owner's part. An owner that is
 * alone has half of the budget, two have a third each, and whoever comes last
 * still finds some.
 */
export class WindowBudget {
  private readonly shares = new Map<string, WindowShare>();
  private usedBytes = 0;

  /** @param limitBytes 0 keeps every window at its start size */
  constructor(readonly limitBytes: number) {}

  get used(): number {
    return this.usedBytes;
  }

  /** Owners of which somebody is here, or something is still held. */
  get owners(): number {
    return this.shares.size;
  }

  /**
   * The part of an owner, the same for all that join in its name.
   *
   * @param owner an agent id at the gateway; an agent is alone
   * @returns what its windows are accounted to; {@link WindowShare.leave} follows once
   */
  join(owner: string): WindowShare {
    let share = this.shares.get(owner);
    if (share === undefined) {
      share = new WindowShare(
        this,
        (bytes) => (this.usedBytes += bytes),
        () => this.shares.delete(owner),
      );
      this.shares.set(owner, share);
    }
    share.join();
    return share;
  }
}

/** What the exchanges of one owner hold of a {@link WindowBudget}. */
export class WindowShare {
  private usedBytes = 0;
  private members = 0;

  constructor(
    private readonly budget: WindowBudget,
    private readonly count: (bytes: number) => void,
    private readonly unused: () => void,
  ) {}

  get used(): number {
    return this.usedBytes;
  }

  join(): void {
    this.members += 1;
  }

  /** One that joined has gone. What its windows hold stays accounted until it is given back. */
  leave(): void {
    this.members -= 1;
    this.forgetUnused();
  }

  /**
   * How much more a window may hold than it does, bytes; below 0 it holds too much.
   *
   * Both rules in one: with `room` more, what is free of the owner's part, which
   * is the budget less all that is used and less what the owner uses, is as
   * large as what the window then holds.
   *
   * @param has what the window holds above its start
   */
  room(has: number): number {
    const { limitBytes, used } = this.budget;
    return Math.trunc((limitBytes - used - this.usedBytes - has) / 3);
  }

  /**
   * Takes growth for a window, as far as there is room.
   *
   * @param wanted bytes
   * @param has what the window holds above its start
   * @returns bytes taken, 0 to `wanted`
   */
  take(wanted: number, has: number): number {
    const bytes = Math.max(0, Math.min(wanted, this.room(has)));
    this.add(bytes);
    return bytes;
  }

  give(bytes: number): void {
    this.add(-bytes);
    if (bytes > 0) this.forgetUnused();
  }

  private add(bytes: number): void {
    this.usedBytes += bytes;
    this.count(bytes);
  }

  private forgetUnused(): void {
    if (this.members === 0 && this.usedBytes === 0) this.unused();
  }
}
