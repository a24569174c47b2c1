import { isatty } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';
import { type Output, standardOutput } from '@berth/node-runtime';
import { type LogRecord, prettyLine } from './pretty/pretty-line.js';
import { styleFor } from './pretty/style.js';

/** What the rooms log with; a pino logger in life. Fields first, then the message. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export interface LogSettings {
  readonly level: string;
  /** `auto`: pretty where the stream is a terminal */
  readonly format: 'auto' | 'pretty' | 'json';
  /** older name of `format: pretty`; `format` is stronger unless it is `auto` */
  readonly pretty: boolean;
  /** warnings and errors only */
  readonly quiet: boolean;
}

/**
 * A program's own view of what it logs, where lines are for people: the text to write, empty for none; undefined: a
 * line as for all others.
 */
export type View = (record: LogRecord) => string | undefined;

const LOUD = new Set(['info', 'debug', 'trace']);

/** The least level that is logged: `quiet` raises it. */
export function logLevelOf({ level, quiet }: Pick<LogSettings, 'level' | 'quiet'>): string {
  return quiet && LOUD.has(level) ? 'warn' : level;
}

/** Whether lines are for people. */
export function isPretty({ format, pretty }: Pick<LogSettings, 'format' | 'pretty'>, stream: 1 | 2 = 1): boolean {
  return format === 'auto' ? pretty || isatty(stream) : format === 'pretty';
}

/**
 * The one logger of a process. Its lines go through {@link Output}: they never
 * wait for a reader, and never end the process.
 *
 * @param name `gateway` or `agent`, in every line of JSON
 * @param stream 1 stdout, 2 stderr
 */
export function createLogger(name: string, settings: LogSettings, stream: 1 | 2 = 1, view?: View): Logger {
  const output = standardOutput(stream);
  const logger: Logger = pino(
    {
      name,
      level: logLevelOf(settings),
      redact: ['token', '*.token', 'credentials', 'req.headers.authorization', 'req.headers.cookie'],
      base: { name },
      formatters: { level: (label: string) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    isPretty(settings, stream) ? forPeople(output, stream, () => logger.isLevelEnabled('debug'), view) : output,
  );
  output.onDropped = (lines) => {
    logger.error({ lines }, 'lines were dropped: nobody took them (a full disk, or a pipe that is read too slowly)');
  };
  return logger;
}

function forPeople(output: Output, stream: 1 | 2, stacks: () => boolean, view?: View): DestinationStream {
  const style = styleFor(stream);
  return {
    write: (line) => {
      const record = JSON.parse(line) as LogRecord;
      const text = view?.(record) ?? `${prettyLine(record, style, stacks())}\n`;
      if (text !== '') output.write(text);
    },
  };
}

/** A log that nobody reads, for tests and embedders that want none. */
export const silentLog: Log = pino({ level: 'silent' }, { write: () => undefined });
