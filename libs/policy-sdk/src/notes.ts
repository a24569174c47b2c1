/** A line that comes again is said once in this time. */
const QUIET_MS = 60_000;
/** Lines that are remembered for it; some name gateways, which may be strangers. */
const REMEMBERED = 100;

/** Of gateways that come and go, in {@link QUIET_MS}. */
const COMINGS = 20;

/** The agent's log, in which nothing that others cause comes more often than once a minute. */
export class Notes {
  readonly #said = new Map<string, { at: number; since: number }>();

  #comings = 0;
  #countedFrom = -Infinity;

  constructor(
    private readonly log: (level: 'info' | 'warn' | 'error', message: string) => void,
    private readonly now: () => number,
  ) {}

  /** @param about what the line is about */
  say(about: string, message: string, level: 'warn' | 'error' = 'warn'): void {
    const last = this.#said.get(about);
    if (last !== undefined && this.now() - last.at < QUIET_MS) {
      last.since += 1;
      return;
    }
    this.#said.delete(about);
    if (this.#said.size >= REMEMBERED) this.#said.delete(this.#said.keys().next().value ?? '');
    this.#said.set(about, { at: this.now(), since: 0 });
    this.log(
      level,
      last === undefined || last.since === 0
        ? message
        : `${message} (and ${last.since} times since the last such line)`,
    );
  }

  /** A gateway came or went. */
  coming(message: string): void {
    if (this.now() - this.#countedFrom >= QUIET_MS) {
      this.#comings = 0;
      this.#countedFrom = this.now();
    }
    this.#comings += 1;
    if (this.#comings < COMINGS) this.log('info', message);
    else if (this.#comings === COMINGS) this.log('info', `${message}; more such lines are left out for a minute`);
  }

  /** A handler threw. */
  failed(handler: string, thrown: unknown): void {
    const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.say(`failed ${handler}`, `the handler of ${handler} failed: ${text}`, 'error');
  }
}
