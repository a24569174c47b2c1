import type { FlatHeaders } from '@berth/exchange';
import { withoutHeaders } from '@berth/http-rules';
import type { Policy } from '../policy-schema.js';

/** Rules for one direction, ready to be followed. */
export interface HeaderChanges {
  /** lower-case names of what goes, because it is removed or replaced */
  readonly drop: ReadonlySet<string>;
  /** of those names: most headers have another length */
  readonly lengths: ReadonlySet<number>;
  readonly put: FlatHeaders;
}

/** @returns undefined when there is nothing to do */
export function headerRules({ add, remove, set }: Policy['headers']['request']): HeaderChanges | undefined {
  const drop = new Set([...remove, ...Object.keys(set)].map((name) => name.toLowerCase()));
  const put = [set, add].flatMap((map) => Object.entries(map).flat());
  return drop.size === 0 && put.length === 0
    ? undefined
    : { drop, put, lengths: new Set([...drop].map(({ length }) => length)) };
}

export function changedHeaders(headers: FlatHeaders, { drop, lengths, put }: HeaderChanges): FlatHeaders {
  const kept = withoutHeaders(headers, (name) => lengths.has(name.length) && drop.has(name.toLowerCase()));
  kept.push(...put);
  return kept;
}
