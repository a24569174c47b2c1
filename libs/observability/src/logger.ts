import { type Logger, type LoggerOptions, pino } from 'pino';

/** What the rooms log with; a pino logger in life. Fields first, then the message. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export interface LogSettings {
  level: string;
  /** human-readable lines instead of JSON; needs a terminal's patience, not for production */
  pretty: boolean;
}

/**
 * The one logger of a process.
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
  if (settings.pretty) return pino({ ...options, transport: { target: 'pino-pretty', options: { destination } } });
  return pino(options, pino.destination({ dest: destination, sync: true }));
}

/** A log that nobody reads, for tests and embedders that want none. */
export const silentLog: Log = pino({ level: 'silent' });
