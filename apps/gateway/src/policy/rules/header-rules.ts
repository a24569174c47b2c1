import type { FlatHeaders } from '@berth/exchange';
import type { Policy } from '../policy-schema.js';

/** Rules for one direction, ready to be followed. */
export interface HeaderChanges {
  /** lower-case names of what goes, because it is removed or replaced */
  readonly drop: ReadonlySet<string>;
  /** of those names: most headers have another length */
  readonly lengths: ReadonlySet<number>;
  readonly put: FlatHeaders;
}

/** @param drop lower-case names */
export function changesOf(drop: ReadonlySet<string>, put: FlatHeaders): HeaderChanges {
  return { drop, put, lengths: new Set([...drop].map(({ length }) => length)) };
}

/** @returns undefined when there is nothing to do */
export function headerRules({ add, remove, set }: Policy['headers']['request']): HeaderChanges | undefined {
  const drop = new Set([...remove, ...Object.keys(set)].map((name) => name.toLowerCase()));
  const put = [set, add].flatMap((map) => Object.entries(map).flat());
  return drop.size === 0 && put.length === 0 ? undefined : changesOf(drop, put);
}

export function changedHeaders(headers: FlatHeaders, { drop, lengths, put }: HeaderChanges): FlatHeaders {
  const out: FlatHeaders = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!lengths.has(name.length) || !drop.has(name.toLowerCase())) out.push(name, headers[i + 1] as string);
  }
  out.push(...put);
  return out;
}
