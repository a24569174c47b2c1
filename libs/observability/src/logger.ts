import { createRequire } from 'node:module';
import type { prettyFactory as PrettyFactory } from 'pino-pretty';
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino';
import { type Output, standardOutput } from '@berth/node-runtime';

/** What the rooms log with; a pino logger in life. Fields first, then the message. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export interface LogSettings {
  level: string;
  /** human-readable lines instead of JSON; needs a terminal's patience, not for production */
  pretty: boolean;
}

/**
 * The one logger of a process. Its lines go through {@link Output}: they never
 * wait for a reader, and never end the process.
 *
 * @param name `gateway` or `agent`, in every line
 * @param destination 1 stdout, 2 stderr
 */
export function createLogger(name: string, settings: LogSettings, destination: 1 | 2 = 1): Logger {
  const options: LoggerOptions = {
    name,
    level: settings.level,
    redact: ['token', '*.token', 'credentials', 'req.headers.authorization', 'req.headers.cookie'],
    base: { name },
    ...(settings.pretty ? {} : { formatters: { level: (label: string) => ({ level: label }) } }),
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  const output = standardOutput(destination);
  const logger = pino(options, settings.pretty ? pretty(output) : output);
  output.onDropped = (lines) => {
    logger.error({ lines }, 'lines were dropped: nobody took them (a full disk, or a pipe that is read too slowly)');
  };
  return logger;
}

/** In this thread: pino's own transport is a worker whose lines wait without bound. */
function pretty(output: Output): DestinationStream {
  // Only when it is wanted, for the sake of small agents.
  const { prettyFactory } = createRequire(import.meta.url)('pino-pretty') as { prettyFactory: typeof PrettyFactory };
  const format = prettyFactory({});
  return {
    write: (line) => {
      output.write(format(line));
    },
  };
}

/** A log that nobody reads, for tests and embedders that want none. */
export const silentLog: Log = pino({ level: 'silent' }, { write: () => undefined });
