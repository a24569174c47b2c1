import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StreamableFile } from '@nestjs/common';

/** Entries that are described in one turn of the event loop: 2 ms or so. */
const AT_ONCE = 200;

/** An entry of a list, described when it is sent. */
export interface Row {
  describe(): object;
}

/**
 * An answer with lists, and what stands before and behind them.
 *
 * @returns the answer, or the text of a long one, which is made as it is sent: all of 10,000 agents are 5 MB, and 0.2 s in
 *   which no request would be relayed
 */
export function withLists(
  before: object,
  lists: Readonly<Record<string, readonly Row[]>>,
  after: object,
): object | Readable {
  const all = Object.entries(lists);
  if (all.reduce((sum, [, rows]) => sum + rows.length, 0) > AT_ONCE) return Readable.from(textOf(before, all, after));
  const described = all.map(([name, rows]) => [name, rows.map((row) => row.describe())] as const);
  return { ...before, ...Object.fromEntries(described), ...after };
}

/** As a controller returns it. */
export function sent<T extends object>(answer: T | Readable): T | StreamableFile {
  return answer instanceof Readable ? new StreamableFile(answer, { type: 'application/json; charset=utf-8' }) : answer;
}

async function* textOf(
  before: object,
  lists: readonly (readonly [name: string, rows: readonly Row[]])[],
  after: object,
): AsyncGenerator<string> {
  const membersOf = (part: object): string => JSON.stringify(part).slice(1, -1);
  const [first, last] = [membersOf(before), membersOf(after)];
  let text = `{${first}`;
  let comma = first === '' ? '' : ',';
  for (const [name, rows] of lists) {
    text += `${comma}${JSON.stringify(name)}:[`;
    comma = ',';
    for (let i = 0; i < rows.length; i += AT_ONCE) {
      const part = rows.slice(i, i + AT_ONCE).map((row) => row.describe());
      yield `${text}${i === 0 ? '' : ','}${JSON.stringify(part).slice(1, -1)}`;
      text = '';
      await nextTurn();
    }
    text += ']';
  }
  yield `${text}${last === '' ? '' : comma}${last}}`;
}
