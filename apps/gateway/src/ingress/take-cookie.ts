import type { FlatHeaders } from '@berth/exchange';

/** Request headers without one cookie. */
export interface TakenCookie {
  readonly headers: FlatHeaders;
  /** what it was, each time that it was there */
  readonly values: readonly string[];
}

/** Takes a cookie out; all others stay byte for byte. undefined when it is not there. */
export function takeCookie(headers: FlatHeaders, name: string): TakenCookie | undefined {
  const values: string[] = [];
  let kept: FlatHeaders | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const header = headers[i] as string;
    const value = headers[i + 1] as string;
    const left = header.length === 6 && header.toLowerCase() === 'cookie' ? without(value, name, values) : value;
    if (left !== value) kept ??= headers.slice(0, i);
    if (left !== '' || left === value) kept?.push(header, left);
  }
  return kept === undefined ? undefined : { headers: kept, values };
}

/** A Cookie header's value without one cookie, whose values are added to `values`. */
function without(header: string, name: string, values: string[]): string {
  if (!header.includes(name)) return header;
  const pairs = header.split(';');
  const others = pairs.filter((pair) => {
    const at = pair.indexOf('=');
    if (at === -1 || bare(pair.slice(0, at)) !== name) return true;
    values.push(bare(pair.slice(at + 1)));
    return false;
  });
  if (others.length === pairs.length) return header;
  const left = others.join(';');
  // What stood behind the first one has its blank before it.
  return others[0] === pairs[0] ? left : left.replace(/^[ \t]+/, '');
}

/** Not by a regular expression, which takes the square of the time over many blanks, nor `trim`, which knows more of them. */
function bare(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text, start)) start += 1;
  while (end > start && isBlank(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}
