/** Ends what a test started, last first; at the end of its scope (`await using`) or in `afterEach`. */
export class Cleanup implements AsyncDisposable {
  private readonly steps: (() => unknown)[] = [];

  /** Registers the end of something and hands it back. */
  add<T>(thing: T, end: (thing: T) => unknown): T {
    this.steps.push(() => end(thing));
    return thing;
  }

  async run(): Promise<void> {
    for (const step of this.steps.splice(0).reverse()) await step();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run();
  }
}
