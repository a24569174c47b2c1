import type { FlatHeaders } from '@berth/exchange';

/** First value of a header in a flat list; undefined when it is not there. */
export function headerValue(headers: readonly string[], lowerCaseName: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) return headers[i + 1];
  }
  return undefined;
}

/** All values of a header in a flat list, in order. */
export function headerValues(headers: readonly string[], name: string): string[] {
  const lower = name.toLowerCase();
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() === lower) values.push(headers[i + 1] as string);
  }
  return values;
}

/** Gives a header this one value, where it first stood or else at the end. Changes the list. */
export function setHeader(headers: FlatHeaders, name: string, value: string): void {
  const lower = name.toLowerCase();
  const at = headers.findIndex((each, i) => i % 2 === 0 && each.toLowerCase() === lower);
  if (at === -1) {
    headers.push(name, value);
    return;
  }
  headers[at + 1] = value;
  removeFrom(headers, lower, at + 2);
}

/** Adds a line at the end, beside those that are there. Changes the list. */
export function appendHeader(headers: FlatHeaders, name: string, value: string): void {
  headers.push(name, value);
}

/** Takes every line of a header out. Changes the list. */
export function removeHeader(headers: FlatHeaders, name: string): void {
  removeFrom(headers, name.toLowerCase(), 0);
}

function removeFrom(headers: FlatHeaders, lowerCaseName: string, from: number): void {
  let kept = from;
  for (let i = from; i < headers.length; i += 2) {
    if ((headers[i] as string).toLowerCase() === lowerCaseName) continue;
    headers[kept] = headers[i] as string;
    headers[kept + 1] = headers[i + 1] as string;
    kept += 2;
  }
  headers.length = kept;
}

/** A flat list without one of its headers; the list itself when that is not in it. */
export function withoutHeader(headers: FlatHeaders, lowerCaseName: string): FlatHeaders {
  if (headerValue(headers, lowerCaseName) === undefined) return headers;
  return withoutHeaders(headers, (name) => name.toLowerCase() === lowerCaseName);
}

/** A new flat list without the headers whose names fit. */
export function withoutHeaders(headers: readonly string[], fits: (name: string) => boolean): FlatHeaders {
  const kept: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!fits(name)) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}

/** A flat list as the pairs that Node's `addTrailers` takes. */
export function headerPairs(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] as string, flat[i + 1] as string]);
  return pairs;
}

/** A flat list as Node's `http2` takes interim answers and trailers: by name in lower case, each with its values in order. */
export function headersByName(flat: readonly string[]): Record<string, string[]> {
  // A name may be one that objects have by themselves.
  const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (let i = 0; i < flat.length; i += 2)
    (headers[(flat[i] as string).toLowerCase()] ??= []).push(flat[i + 1] as string);
  return headers;
}

/** Whether the client waits for a 100 before it sends its body (RFC 9110 section 10.1.1). */
export function expectsContinue(headers: readonly string[]): boolean {
  return headerValue(headers, 'expect')?.toLowerCase() === '100-continue';
}

/** Whether an answer is a stream of events, which may be as slow as its events and their reader are. */
export function isEventStream(headers: readonly string[]): boolean {
  return headerValue(headers, 'content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
}
