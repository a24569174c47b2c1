import type { FlatHeaders } from '@berth/exchange';

/** First value of a header in a flat list; undefined when it is not there. */
export function headerValue(headers: readonly string[], lowerCaseName: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) return headers[i + 1];
  }
  return undefined;
}

/** A flat list without one of its headers; the list itself when that is not in it. */
export function withoutHeader(headers: FlatHeaders, lowerCaseName: string): FlatHeaders {
  if (headerValue(headers, lowerCaseName) === undefined) return headers;
  const kept: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.toLowerCase() !== lowerCaseName) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}

/** A flat list as the pairs that Node's `addTrailers` takes. */
export function headerPairs(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] as string, flat[i + 1] as string]);
  return pairs;
}
