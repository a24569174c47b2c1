import { BerthError, messageOf } from '@berth/errors';
import { RE2JS } from 're2js';
import type { PooledServer } from './pooled-server.js';

/** What servers are looked for by (checklist D3). */
export type ServerField = 'name' | 'bind' | 'expose';

/** How a field has to be; with both, either is enough. */
export interface ServerMatch {
  /** the whole text, whatever its case */
  exact?: string;
  /**
   * found anywhere in the text; RE2 syntax, so the time is linear in the text whoever wrote the pattern, and there is
   * no look-around and no back-reference. 1000 characters at most.
   */
  regex?: string;
}

/** What a pattern may cost to compile is bounded with it. */
const MAX_PATTERN_CHARS = 1000;

export function fieldOf(server: PooledServer, field: ServerField): string {
  switch (field) {
    case 'name':
      return server.name;
    case 'bind':
      return server.key;
    case 'expose':
      return server.expose;
  }
}

/**
 * @returns whether a text matches
 * @throws BerthError `BERTH_SERVER_POOL_EMPTY_PARAMETER` without either, `BERTH_SERVER_POOL_BAD_PATTERN`
 */
export function matcher({ exact = '', regex = '' }: ServerMatch): (text: string) => boolean {
  if (exact === '' && regex === '') {
    throw new BerthError(
      'BERTH_SERVER_POOL_EMPTY_PARAMETER',
      'neither an exact text nor a regular expression is given',
    );
  }
  const wanted = exact.toLowerCase();
  const pattern = regex === '' ? undefined : compile(regex);
  return (text) => (exact !== '' && text.toLowerCase() === wanted) || pattern?.matcher(text).find() === true;
}

function compile(regex: string): RE2JS {
  if (regex.length > MAX_PATTERN_CHARS) {
    throw new BerthError(
      'BERTH_SERVER_POOL_BAD_PATTERN',
      `the regular expression has ${regex.length} characters, ${MAX_PATTERN_CHARS} at most`,
    );
  }
  try {
    return RE2JS.compile(regex);
  } catch (thrown) {
    throw new BerthError('BERTH_SERVER_POOL_BAD_PATTERN', `invalid regular expression: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}
