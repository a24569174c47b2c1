/** Time between two looks at connections, ms. */
const INTERVAL_MS = 250;

/** A connection whose bytes are looked at. */
export interface Watched {
  /** @param now monotonic, ms */
  look(now: number): void;
}

/** Looks at all connections of HTTP/2 now and then, while there are any: frames that raise no event show in their bytes alone. */
export class FloodWatch {
  private readonly watched = new Set<Watched>();
  private timer: NodeJS.Timeout | undefined;

  /** @param intervalMs time between two looks */
  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly intervalMs = INTERVAL_MS,
  ) {}

  add(connection: Watched): void {
    this.watched.add(connection);
    this.timer ??= setInterval(this.look, this.intervalMs).unref();
  }

  remove(connection: Watched): void {
    this.watched.delete(connection);
    if (this.watched.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private readonly look = (): void => {
    const now = this.now();
    for (const each of this.watched) each.look(now);
  };
}
