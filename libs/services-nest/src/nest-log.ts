import { Logger } from '@nestjs/common';
import { messageOf } from '#errors';
import type { Log } from '#observability';

/** The application's own logger, for libraries that log fields and a message. */
export function nestLog(context = 'Services'): Log {
  const logger = new Logger(context);
  const write =
    (level: 'debug' | 'log' | 'warn' | 'error') =>
    (fields: unknown, message?: string): void => {
      logger[level](message === undefined ? textOf(fields) : `${message}${fieldsOf(fields)}`);
    };
  return { debug: write('debug'), info: write('log'), warn: write('warn'), error: write('error') };
}

function textOf(message: unknown): string {
  return typeof message === 'string' ? message : JSON.stringify(message, errorsAsText);
}

function fieldsOf(fields: unknown): string {
  const text = textOf(fields);
  return text === '{}' ? '' : ` ${text}`;
}

function errorsAsText(_key: string, value: unknown): unknown {
  return value instanceof Error ? messageOf(value) : value;
}
