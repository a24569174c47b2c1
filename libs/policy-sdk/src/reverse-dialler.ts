import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@berth/errors';
import type { Notes } from './notes.js';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;
/** A connection that lasted this long was a good one. */
const GOOD_AFTER_MS = 10_000;

/** Keeps one connection to a gateway that the agent dials. */
export class ReverseDialler {
  readonly #stop = new AbortController();

  /**
   * @param place for the log
   * @param connect opens a connection, and says when it has ended
   */
  constructor(
    private readonly place: string,
    private readonly connect: (signal: AbortSignal) => Promise<{ readonly ended: Promise<void> }>,
    private readonly notes: Notes,
    private readonly now: () => number,
  ) {}

  /** Ends after {@link stop} only, and never fails. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    let pauseMs = FIRST_PAUSE_MS;
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      const beganAt = this.now();
      try {
        const { ended } = await this.connect(signal);
        await Promise.race([ended, aborted(signal)]);
        if (this.now() - beganAt > GOOD_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      } catch (thrown) {
        // Another reason is news: a gateway that was away may be there, and say no.
        const message = `${messageOf(thrown)}; it is tried again`;
        if (!signal.aborted) this.notes.say(`dial ${this.place} ${message}`, message);
      }
      // Many agents that lost one gateway come back at different times.
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  stop(): void {
    this.#stop.abort();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
