import { isAgentId } from '@berth/exchange';

const MAX_CHARS = 64;
/** What hosts are called that nobody has given a name. */
const NAMELESS = /^(localhost|localdomain|\(?none\)?|unknown)(\.|$)/i;

/**
 * The agent's id where none is given.
 *
 * @param name of the host, as the system has it
 * @returns empty where the name tells no host from another, or has no letter and no digit
 */
export function idFromHostName(name: string): string {
  if (NAMELESS.test(name)) return '';
  const id = name
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, MAX_CHARS)
    .replace(/[._-]+$/, '');
  return isAgentId(id) ? id : '';
}
