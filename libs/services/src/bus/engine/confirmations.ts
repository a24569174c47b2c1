/** Which version of what this process serves everybody knows. Another one must not be relied on. */
export class Confirmations {
  /** -1: none, since nobody can say so at the moment */
  version = -1;
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
    const isNew = known > this.version;
    if (isNew) this.version = known;
    for (let [first] = this.waiting; first !== undefined && first.version <= this.version; [first] = this.waiting) {
      this.waiting.shift();
      first.done();
    }
    return isNew;
  }

  /** Nothing counts any more: others may take this process for dead. */
  forget(): void {
    [this.version, this.flushed] = [-1, -1];
  }

  /** Nobody can be told. */
  letLeave(): void {
    for (const { leaving, done } of this.waiting) if (leaving) done();
  }

  close(): void {
    for (const { done } of this.waiting.splice(0)) done();
  }
}
