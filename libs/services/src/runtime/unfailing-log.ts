import type { Log } from '@berth/observability';
import { safely } from '../invocation/error-text.js';

/**
 * A log that never throws: what carries it is the embedder's, and one that fails is no reason to lose a reply, a start
 * or, out of a timer, the process. There is nobody else to tell.
 */
export function unfailing(log: Log): Log {
  const line =
    (level: keyof Log) =>
    (fields: object, text?: string): void => {
      safely(() => log[level](fields, text));
    };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
