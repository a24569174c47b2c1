/** Which version of what this process serves everybody knows. Another one must not be relied on. */
export class Confirmations {
  /** 0: none yet, of nothing */
  version = 0;
  /** those up to it do not count any more */
  private outdated = 0;
  /** what is behind a flush of the connection can have no doubt */
  private flushed = -1;
  /** those who wait, by versions */
  private readonly waiting: { readonly version: number; readonly leaving: boolean; readonly done: () => void }[] = [];

  /** Resolves when everybody knows a version. @param leaving those who cannot be told find out by themselves */
  until(version: number, leaving: boolean): Promise<void> {
    return new Promise((done) => this.waiting.push({ version, leaving, done }));
  }

  hasFlushed(version: number): void {
    this.flushed = Math.max(this.flushed, version);
  }

  /**
   * @param current the version of this process
   * @param seen those that the others have seen
   * @returns whether more is known
   */
  check(current: number, seen: Iterable<number>): boolean {
    const known = Math.min(this.flushed, current, ...seen);
    const isNew = known > Math.max(this.version, this.outdated);
    if (isNew) this.version = known;
    for (let [first] = this.waiting; first !== undefined && first.version <= this.version; [first] = this.waiting) {
      this.waiting.shift();
      first.done();
    }
    return isNew;
  }

  /** What has been confirmed up to a version, or is yet to come of it, does not count any more. */
  forget(upTo: number): void {
    [this.version, this.outdated] = [0, upTo];
  }

  /** Nobody can be told. */
  letLeave(): void {
    for (const { leaving, done } of this.waiting) if (leaving) done();
  }

  close(): void {
    for (const { done } of this.waiting.splice(0)) done();
  }
}
