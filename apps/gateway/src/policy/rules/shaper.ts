/** One direction of one exchange, as its shaper knows it. */
export interface Flow {
  /**
   * Its turn.
   *
   * @param most bytes that may pass now, at least 1
   * @returns those that have passed; 0: nothing waits, or it cannot go on now
   */
  pass(most: number): number;
}

/** Between turns, ms. */
const TICK_MS = 20;
/** What may pass at once after a pause, ms of the rate: within 100 ms never twice as much as the rate allows. */
const BURST_MS = 50;
/** Most that one flow passes in its turn, bytes; less where the rate allows less between two turns. */
const TURN_BYTES = 16_384;

/** Lets bytes of several flows pass at one rate, smoothly, in turns. */
export class Shaper {
  private readonly waiting = new Set<Flow>();
  private readonly mostBytes: number;
  private readonly turnBytes: number;
  /** whose turn it is; it may last over several runs, or those at the end of a run would get less */
  private current: Flow | undefined;
  /** bytes that are left of it */
  private turn = 0;
  private allowance: number;
  private countedAt: number;
  private timer: NodeJS.Timeout | undefined;
  private running = false;

  /**
   * @param rate bytes per second
   * @param now monotonic ms
   */
  constructor(
    private readonly rate: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.mostBytes = Math.max(1, (rate * BURST_MS) / 1000);
    this.turnBytes = Math.max(1, Math.min(TURN_BYTES, Math.floor((rate * TICK_MS) / 1000)));
    this.allowance = this.mostBytes;
    this.countedAt = now();
  }

  /** Has a flow's turn come, and come again until it passes nothing. */
  add(flow: Flow): void {
    this.waiting.add(flow);
    if (this.timer === undefined && !this.running) this.run();
  }

  remove(flow: Flow): void {
    this.waiting.delete(flow);
  }

  private readonly run = (): void => {
    this.timer = undefined;
    const now = this.now();
    this.allowance = Math.min(this.mostBytes, this.allowance + ((now - this.countedAt) * this.rate) / 1000);
    this.countedAt = now;
    this.running = true;
    while (this.allowance >= 1) {
      const [flow] = this.waiting;
      if (flow === undefined) break;
      if (flow !== this.current) this.begin(flow);
      const passed = flow.pass(Math.min(this.turn, Math.floor(this.allowance)));
      this.allowance -= passed;
      this.turn -= passed;
      if (passed > 0 && this.turn > 0) continue;
      this.current = undefined;
      // To the end of the row; gone when it has nothing, or was removed by what it did.
      const isWaiting = this.waiting.delete(flow);
      if (passed > 0 && isWaiting) this.waiting.add(flow);
    }
    this.running = false;
    if (this.waiting.size > 0) this.timer ??= setTimeout(this.run, TICK_MS);
  };

  private begin(flow: Flow): void {
    this.current = flow;
    this.turn = this.turnBytes;
  }
}
