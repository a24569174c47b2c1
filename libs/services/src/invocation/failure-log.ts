import type { BerthError, ErrorCode } from '@berth/errors';
import type { Log } from '@berth/observability';
import { cutText, safely, textOfThrown } from './error-text.js';
import type { Invocation } from './invocation.js';

/** What somebody has to look at. Other codes are outcomes that the caller has been told, or are logged where they arise. */
const TEXTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  BERTH_SERVICE_METHOD_FAILED: 'a method failed',
  BERTH_SERVICE_BAD_RESULT: 'a call failed by what its method returned or left in its object',
  BERTH_SERVICE_CALL_CYCLE: 'a method called an object that waits for it',
  BERTH_INTERNAL: 'a call failed by a fault around its method',
};

/** Causes of causes that are logged. */
const MAX_CAUSES = 4;

/** Longest list of stack frames of one error, UTF-16 units. */
const MAX_FRAMES_LENGTH = 8192;

/** Logs a call that failed with what is underneath it, which no caller ever sees. */
export function logFailure(log: Log, { id, service, method }: Invocation, error: BerthError): void {
  const { code } = error;
  const text = TEXTS[code];
  if (text === undefined) return;
  log.error({ err: errorForLog(error.cause ?? error), code, invocationId: id, service, method }, text);
}

/** Nothing else in the process runs while a method does not wait: from this time on it is told, ms. */
export const BLOCKED_MS = 500;

/** Logs a method that kept the whole process busy. */
export function logBlocked(log: Log, { id, service, method }: Invocation, ms: number): void {
  const text = 'a method blocked the process: nothing else ran, no deadline and no other call';
  log.warn({ blockedMs: Math.round(ms), invocationId: id, service, method }, text);
}

/**
 * An error as the log may have it: name, text, stack and causes. Its own fields stay out, because libraries put
 * requests, and with them payloads, on their errors.
 */
function errorForLog(thrown: unknown, causes = MAX_CAUSES): Error {
  const { name, message } = textOfThrown(thrown);
  const text = cutText(message);
  const copy = new Error(text);
  const cause = safely(() => (thrown instanceof Error ? thrown.cause : undefined));
  if (cause !== undefined && causes > 0) copy.cause = errorForLog(cause, causes - 1);
  copy.name = name;
  copy.stack = `${name}: ${text}${safely(() => framesOf(thrown, message)) ?? ''}`;
  return copy;
}

function framesOf(thrown: unknown, message: string): string {
  const stack: unknown = thrown instanceof Error ? thrown.stack : undefined;
  if (typeof stack !== 'string') return '';
  const header = stack.indexOf(message);
  const at = stack.indexOf('\n    at ', header < 0 ? 0 : header + message.length);
  return at < 0 ? '' : stack.slice(at, at + MAX_FRAMES_LENGTH);
}
