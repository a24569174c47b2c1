import type { FlatHeaders } from '@berth/exchange';
import { headerValue, headerValues, isToken, removeHeader } from '@berth/http-rules';

/**
 * The media type of a body, in lower case and without parameters; empty: its head does not say, or not in a way that
 * every service reads alike.
 */
export function contentTypeOf(headers: FlatHeaders): string {
  const [value = '', ...others] = headerValues(headers, 'content-type');
  const type = (value.split(';', 1)[0] ?? '').trim().toLowerCase();
  const parts = type.split('/');
  return others.length === 0 && parts.length === 2 && parts.every(isToken) ? type : '';
}

/** Length of a body as its head says it, bytes; undefined: it does not. */
export function contentLengthOf(headers: FlatHeaders): number | undefined {
  const length = headerValue(headers, 'content-length');
  return length === undefined ? undefined : Number(length);
}

/** Whether the texts of a body can be read: JSON as it is. */
export function isPlainJson(headers: FlatHeaders): boolean {
  const encoding = headerValue(headers, 'content-encoding') ?? 'identity';
  return encoding.toLowerCase() === 'identity' && /^application\/(?:[a-z0-9.+-]+\+)?json$/.test(contentTypeOf(headers));
}

/** Asks the service for an answer that agents can read and change: whole, and not compressed. Changes the list. */
export function askForPlainAnswer(headers: FlatHeaders): void {
  for (const name of ['accept-encoding', 'range', 'if-range']) removeHeader(headers, name);
}
