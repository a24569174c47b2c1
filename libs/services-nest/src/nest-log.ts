import { Logger } from '@nestjs/common';
import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';

/** The application's own logger, for libraries that log fields and a message; of an `err` among the fields it gets the stack. */
export function nestLog(context = 'Services'): Log {
  const logger = new Logger(context);
  const lineOf = (fields: unknown, message?: string): string =>
    message === undefined ? textOf(fields) : `${message}${fieldsOf(fields)}`;
  const write =
    (level: 'debug' | 'log' | 'warn') =>
    (fields: unknown, message?: string): void => {
      logger[level](lineOf(fields, message));
    };
  return {
    debug: write('debug'),
    info: write('log'),
    warn: write('warn'),
    error: (fields: unknown, message?: string) => {
      logger.error(lineOf(fields, message), stackOf(fields));
    },
  };
}

/** Of the field `err`, with its causes. */
function stackOf(fields: unknown): string | undefined {
  if (typeof fields !== 'object' || fields === null || !('err' in fields)) return undefined;
  const stacks: string[] = [];
  for (let error: unknown = fields.err; error instanceof Error && stacks.length < 5; error = error.cause)
    stacks.push(error.stack ?? messageOf(error));
  return stacks.length === 0 ? undefined : stacks.join('\ncaused by ');
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  try {
    const json = JSON.stringify(message, shown()) as string | undefined;
    return json ?? String(message);
  } catch (thrown) {
    // A toJSON() or a getter of the fields; what is logged must not fail because of it.
    return `(fields that cannot be shown: ${messageOf(thrown)})`;
  }
}

function fieldsOf(fields: unknown): string {
  const text = textOf(fields);
  return text === '{}' ? '' : ` ${text}`;
}

/** For JSON.stringify, once: errors and bigints as text, and no object within itself. */
function shown(): (this: unknown, key: string, value: unknown) => unknown {
  /** the objects around the value, outermost first */
  const around: unknown[] = [];
  return function (_key, value) {
    if (value instanceof Error) return messageOf(value);
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null) return value;
    while (around.length > 0 && around.at(-1) !== this) around.pop();
    if (around.includes(value)) return '[circular]';
    around.push(value);
    return value;
  };
}
