import { constants } from 'node:os';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** One Ctrl-C can arrive twice, from the terminal and through npm. */
const SAME_KEYSTROKE_MS = 300;

/**
 * The first SIGTERM or SIGINT calls `close`; another one ends the process at once, with 128 and its number.
 *
 * @param program stands for the process in tests
 * @returns to be called for signals to do again what they do without this
 */
export function closeOnSignals(
  close: () => void,
  program: Pick<NodeJS.Process, 'on' | 'off' | 'exit'> = process,
): () => void {
  let firstAt: number | undefined;
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      close();
    } else if (now - firstAt > SAME_KEYSTROKE_MS) program.exit(128 + constants.signals[signal]);
  };
  for (const signal of SIGNALS) program.on(signal, onSignal);
  return () => SIGNALS.forEach((signal) => program.off(signal, onSignal));
}
