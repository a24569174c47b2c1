import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { BerthError } from '@berth/errors';
import { checkIdPattern, IdPatterns } from '@berth/exchange';

/** Entries in one answer, at the most, where a client sets a limit. */
const MAX_LIMIT = 1000;

/** Times that one parameter may be given. */
const MAX_TEXTS = 16;

/** A cursor is what this gateway made; anything longer is not. */
const MAX_CURSOR_CHARS = 1024;

export type Query = Readonly<Record<string, unknown>>;
type Key = string | number;

/** What a client wants of a list. */
export interface PageRequest {
  /** undefined: all there are */
  limit: number | undefined;
  /** with `-` before it: the largest first; undefined: as the list is */
  sort: string | undefined;
  /** key and id of the last entry that the client has */
  after: readonly [key: Key, id: string] | undefined;
}

export interface Page<T> {
  items: T[];
  /** all that match, shown or not */
  count: number;
  /** where to go on; absent: there is no more */
  next_cursor?: string;
}

/**
 * Order and pages of one list. A cursor holds the key and the id of the last
 * entry that was shown, and the next page begins behind them: entries that come
 * and go meanwhile neither repeat others nor hide them.
 */
export class ListOrder<T> {
  /**
   * @param keys what a list can be sorted by
   * @param idOf tells entries apart whose keys are the same
   * @param usual key of pages whose client names none
   */
  constructor(
    private readonly keys: Readonly<Record<string, (item: T) => Key>>,
    private readonly idOf: (item: T) => string,
    private readonly usual: string,
  ) {}

  /** Describes the parameters, for the method of a controller. */
  describe(): MethodDecorator {
    const names = Object.keys(this.keys).flatMap((key) => [key, `-${key}`]);
    return applyDecorators(
      ApiQuery({
        name: 'limit',
        required: false,
        schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT },
        description: 'entries to show at the most; all unless given',
      }),
      ApiQuery({
        name: 'cursor',
        required: false,
        schema: { type: 'string' },
        description: '`next_cursor` of the page before',
      }),
      ApiQuery({
        name: 'sort',
        required: false,
        schema: { type: 'string', enum: names },
        description: `what to sort by, the smallest first; with \`-\` the largest. Pages are by \`${this.usual}\` unless given`,
      }),
    );
  }

  /** @throws BerthError `BERTH_BAD_REQUEST` naming the parameter */
  read(query: Query): PageRequest {
    const limit = limitIn(query);
    const sort = textIn(query, 'sort');
    if (sort !== undefined && !Object.hasOwn(this.keys, nameOf(sort))) {
      throw bad(`sort must be one of ${Object.keys(this.keys).join(', ')}, or one of them with - before it`);
    }
    const cursor = textIn(query, 'cursor');
    if (cursor === undefined)
      return { limit, sort: sort ?? (limit === undefined ? undefined : this.usual), after: undefined };
    const [by, key, id] = this.opened(cursor);
    if (sort !== undefined && sort !== by) throw bad(`cursor belongs to a list with sort=${by}`);
    return { limit, sort: by, after: [key, id] };
  }

  page(items: readonly T[], { limit, sort, after }: PageRequest): Page<T> {
    if (sort === undefined) return { items: [...items], count: items.length };
    const keyOf = this.keys[nameOf(sort)] as (item: T) => Key;
    const sign = sort.startsWith('-') ? -1 : 1;
    const order = (a: Place, b: Place): number => sign * (compare(a[0], b[0]) || compare(a[1], b[1]));
    const placed = items.map((item) => ({ item, place: [keyOf(item), this.idOf(item)] as const }));
    const left = after === undefined ? placed : placed.filter(({ place }) => order(place, after) > 0);
    left.sort((a, b) => order(a.place, b.place));
    const shown = left.slice(0, limit);
    const page = { items: shown.map(({ item }) => item), count: items.length };
    const last = shown.length < left.length ? shown.at(-1) : undefined;
    if (last === undefined) return page;
    return { ...page, next_cursor: Buffer.from(JSON.stringify([sort, ...last.place])).toString('base64url') };
  }

  private opened(cursor: string): [sort: string, key: Key, id: string] {
    try {
      const text = Buffer.from(cursor.slice(0, MAX_CURSOR_CHARS), 'base64url').toString();
      const [sort, key, id] = JSON.parse(text) as unknown[];
      const isKey = typeof key === 'string' || typeof key === 'number';
      if (typeof sort === 'string' && Object.hasOwn(this.keys, nameOf(sort)) && isKey && typeof id === 'string')
        return [sort, key, id];
    } catch {
      // Not ours, as what has another shape.
    }
    throw bad('cursor is none that this list has given: take next_cursor of the page before, or begin without one');
  }
}

type Place = readonly [key: Key, id: string];

const nameOf = (sort: string): string => sort.replace(/^-/, '');

function compare(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function bad(message: string): BerthError {
  return new BerthError('BERTH_BAD_REQUEST', message);
}

/** @throws BerthError `BERTH_BAD_REQUEST` for a slip of the pen, which would show more than was asked for */
export function refuseOthers(query: Query, names: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => !names.includes(name));
  if (unknown !== undefined) throw bad(`${unknown.slice(0, 80)} is no parameter; there are ${names.join(', ')}`);
}

/** @throws BerthError `BERTH_BAD_REQUEST` when it is given more than once */
export function textIn(query: Query, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || typeof value === 'string') return value;
  throw bad(`${name} must be given once`);
}

/**
 * `agent_id`: an id, exact or with `*`, which no number of stars makes slow.
 *
 * @returns undefined where it is not given
 * @throws BerthError `BERTH_BAD_REQUEST`
 */
export function agentIdIn(query: Query): ((id: string) => boolean) | undefined {
  const pattern = textIn(query, 'agent_id');
  if (pattern === undefined) return undefined;
  const wrong = checkIdPattern(pattern);
  if (wrong !== undefined) throw bad(`agent_id: ${wrong.slice(0, 200)}`);
  const patterns = new IdPatterns([[pattern, true]]);
  return (id) => patterns.find(id) === true;
}

/**
 * One that may be given several times.
 *
 * @throws BerthError `BERTH_BAD_REQUEST` when it is given so often that a list of many agents would take long
 */
export function textsIn(query: Query, name: string): string[] {
  const value = query[name];
  const texts = value === undefined ? [] : [value].flat().map(String);
  if (texts.length > MAX_TEXTS) throw bad(`${name} may be given ${MAX_TEXTS} times`);
  return texts;
}

/** @throws BerthError `BERTH_BAD_REQUEST` */
export function limitIn(query: Query, most = MAX_LIMIT): number | undefined {
  const text = textIn(query, 'limit');
  if (text === undefined) return undefined;
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > most) throw bad(`limit must be a whole number from 1 to ${most}`);
  return limit;
}

/** One of some words. @throws BerthError `BERTH_BAD_REQUEST` */
export function oneOf<W extends string>(name: string, value: string, words: readonly W[]): W {
  const found = words.find((word) => word === value);
  if (found === undefined) throw bad(`${name} must be one of ${words.join(', ')}`);
  return found;
}
