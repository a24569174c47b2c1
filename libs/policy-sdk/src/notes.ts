/** A line that comes again is said once in this time. */
const QUIET_MS = 60_000;

/** The agent's log, in which nothing that others cause comes more often than once a minute. */
export class Notes {
  readonly #said = new Map<string, { at: number; since: number }>();

  constructor(
    private readonly log: (level: 'info' | 'warn' | 'error', message: string) => void,
    private readonly now: () => number,
  ) {}

  /** @param about one of few: what the line is about */
  say(about: string, message: string, level: 'info' | 'warn' | 'error' = 'warn'): void {
    const last = this.#said.get(about);
    if (last !== undefined && this.now() - last.at < QUIET_MS) {
      last.since += 1;
      return;
    }
    this.#said.set(about, { at: this.now(), since: 0 });
    this.log(
      level,
      last === undefined || last.since === 0
        ? message
        : `${message} (and ${last.since} times since the last such line)`,
    );
  }

  /** A handler threw. */
  failed(handler: string, thrown: unknown): void {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.say(`failed ${handler}`, `the handler of ${handler} failed: ${text}`, 'error');
  }
}
