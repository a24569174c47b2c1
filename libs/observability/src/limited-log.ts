import type { Log } from './logger.js';

/** How many lines of one kind are written. */
export interface LogLimit {
  /** lines of one kind in a window; the rest is counted */
  lines: number;
  /** length of a window, ms */
  windowMs: number;
}

type Level = 'debug' | 'info' | 'warn' | 'error';

interface Kind {
  written: number;
  leftOut: number;
}

const DEFAULT_LIMIT: LogLimit = { lines: 5, windowMs: 10_000 };

/**
 * A log for lines that strangers can cause. The message is the kind of a line,
 * so it must be a constant; what differs stands in the fields. Of each kind a
 * few lines are written in a window, and at its end one line says how many more
 * there were.
 */
export class LimitedLog {
  private readonly kinds = new Map<string, Kind>();

  /**
   * @param log takes the lines
   * @param fields of every line, the one with the count included
   */
  constructor(
    private readonly log: Log,
    private readonly limit: LogLimit = DEFAULT_LIMIT,
    private readonly fields: object = {},
  ) {}

  debug(fields: object, message: string): void {
    this.write('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.write('info', fields, message);
  }

  /** @returns false when the line was left out */
  warn(fields: object, message: string): boolean {
    return this.write('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.write('error', fields, message);
  }

  private write(level: Level, fields: object, message: string): boolean {
    const key = `${level} ${message}`;
    const kind = this.kinds.get(key) ?? this.openWindow(key, level, message);
    if (kind.written === this.limit.lines) {
      kind.leftOut += 1;
      return false;
    }
    kind.written += 1;
    this.log[level]({ ...this.fields, ...fields }, message);
    return true;
  }

  private openWindow(key: string, level: Level, message: string): Kind {
    const kind = { written: 0, leftOut: 0 };
    this.kinds.set(key, kind);
    setTimeout(() => {
      this.kinds.delete(key);
      if (kind.leftOut === 0) return;
      this.log[level](
        { ...this.fields, leftOut: kind.leftOut, windowMs: this.limit.windowMs },
        `${message}: more lines were left out`,
      );
    }, this.limit.windowMs).unref();
    return kind;
  }
}
