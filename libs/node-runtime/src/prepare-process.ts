import { standardOutput } from './output.js';
import { ignoreSignals } from './signals.js';

/**
 * What both programs do first: take the signals that mean nothing to them, and
 * print what Node would print itself without waiting for a reader. Node writes
 * warnings and the last words of a crash with a blocking call: a crash whose
 * stderr nobody reads would hang instead of ending.
 */
export function prepareProcess(): void {
  ignoreSignals();
  // Should a library write there by itself: without a listener its error would end the process.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  if (process.listenerCount('warning') > 0) {
    process.removeAllListeners('warning');
    process.on('warning', ({ name, message }) => {
      standardOutput(2).write(`${name}: ${message}\n`);
    });
  }
  process.on('uncaughtException', (thrown) => {
    standardOutput(2).write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
    process.exit(1);
  });
}
