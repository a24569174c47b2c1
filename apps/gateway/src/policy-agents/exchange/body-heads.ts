import type { FlatHeaders } from '@berth/exchange';
import type { StreamKind } from './text-reader.js';
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

/** Content codings of a body in the order in which they were applied, in lower case. */
export function codingsOf(headers: FlatHeaders): readonly string[] {
  const all = headerValues(headers, 'content-encoding').flatMap((value) => value.split(','));
  return all.map((coding) => coding.trim().toLowerCase()).filter((coding) => coding !== '' && coding !== 'identity');
}

/** Whether an answer may have texts of a language model, as its head has it. A body of no type may be anything. */
export function mayBeOfModel(headers: FlatHeaders): boolean {
  const type = contentTypeOf(headers);
  return type === '' || streamKindOf(headers) !== undefined || /^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type);
}

const STREAMS: Readonly<Record<string, StreamKind>> = {
  'text/event-stream': 'events',
  'application/x-ndjson': 'lines',
  'application/jsonl': 'lines',
};

export function streamKindOf(headers: FlatHeaders): StreamKind | undefined {
  const type = contentTypeOf(headers);
  return Object.hasOwn(STREAMS, type) ? STREAMS[type] : undefined;
}

/** Asks the service for an answer that agents can read and change: whole, and not compressed. Changes the list. */
export function askForPlainAnswer(headers: FlatHeaders): void {
  for (const name of ['accept-encoding', 'range', 'if-range']) removeHeader(headers, name);
}
