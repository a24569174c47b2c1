import { constants } from 'node:os';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
type ClosingSignal = (typeof SIGNALS)[number];

/** One Ctrl-C can arrive twice, from the terminal and through npm. */
const SAME_KEYSTROKE_MS = 300;

/** The first SIGTERM or SIGINT calls `close`; another one ends the process at once, with 128 and its number. */
export class ClosingSignals {
  #firstAt: number | undefined;

  /** @param program stands for the process in tests */
  constructor(
    private readonly close: () => void,
    private readonly program: Pick<NodeJS.Process, 'on' | 'off' | 'exit'> = process,
  ) {
    for (const signal of SIGNALS) program.on(signal, this.#onSignal);
  }

  /** From now on signals do again what they do without this. */
  remove(): void {
    for (const signal of SIGNALS) this.program.off(signal, this.#onSignal);
  }

  readonly #onSignal = (signal: ClosingSignal): void => {
    const now = performance.now();
    if (this.#firstAt === undefined) {
      this.#firstAt = now;
      this.close();
    } else if (now - this.#firstAt > SAME_KEYSTROKE_MS) this.program.exit(128 + constants.signals[signal]);
  };
}
