import type { FlatHeaders } from '@berth/exchange';
import { type Fields, fieldsOf } from '../fields.js';
import type { Dialect } from './dialect.js';

/** Stands for `__proto__`, which as a key would change what an object is; no name of a header begins like that. */
export const PROTO_KEY = '\u0000__proto__';

/**
 * The original has lists of values by name, and no order between names. Berth sends Berth names and values in their
 * order.
 */
export function writeHeaders(headers: FlatHeaders, { isBerth }: Dialect): Record<string, string[]> | FlatHeaders {
  if (isBerth) return headers;
  const lists = Object.create(null) as Record<string, string[]>;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    (lists[name] ??= []).push(value);
  }
  return lists;
}

/** @throws Error when they are in neither form */
export function readHeaders(from: Fields): FlatHeaders {
  const headers = from['headers'] ?? [];
  if (Array.isArray(headers)) {
    if (headers.length % 2 === 1) throw new Error('a header has no value');
    return headers.map(textOf);
  }
  const flat: FlatHeaders = [];
  for (const [name, values] of Object.entries(fieldsOf(headers, 'headers'))) {
    for (const value of Array.isArray(values) ? values : [values]) {
      flat.push(name === PROTO_KEY ? '__proto__' : name, textOf(value));
    }
  }
  return flat;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error('a header is no text');
  return value;
}
