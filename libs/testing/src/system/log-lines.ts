import { type Logger, pino } from 'pino';

export interface LogLine {
  level: string;
  msg: string;
  [field: string]: unknown;
}

/** A log that keeps what it is told. */
export interface LogLines {
  log: Logger;
  lines: LogLine[];
  /** all lines as they would have been printed */
  text: () => string;
  /** lines of a level, in order */
  at: (level: 'debug' | 'info' | 'warn' | 'error') => LogLine[];
}

export function logLines(level = 'debug'): LogLines {
  const raw: string[] = [];
  const lines: LogLine[] = [];
  const write = (line: string): void => {
    raw.push(line);
    lines.push(JSON.parse(line) as LogLine);
  };
  const log = pino({ level, base: null, formatters: { level: (label) => ({ level: label }) } }, { write });
  return { log, lines, text: () => raw.join(''), at: (wanted) => lines.filter((line) => line.level === wanted) };
}
