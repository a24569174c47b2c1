import { isIP } from 'node:net';
import { AGENT_ID_RULE, isAgentId } from '@berth/exchange';
import { FRAMING, isFieldValue, isToken } from '@berth/http-rules';

/** Rules of single values; each says what is wrong, or nothing. */

type Checked = string | undefined;

const TYPE = /^[a-z0-9!#$&^_.+-]+\/(\*|[a-z0-9!#$&^_.+-]+)$/i;

/** A rule for them would break messages, or send them elsewhere. */
const UNCHANGEABLE = new Set([...FRAMING, 'host']);

/** Policy agents of one port: each is asked about each request. */
const MAX_AGENTS = 16;

/** An address or network as `net.BlockList` takes it: address, bits and family. */
export function networkOf(text: string): { address: string; bits: number; family: 'ipv4' | 'ipv6' } | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || address.includes('%') || more.length > 0) return undefined;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most)) return undefined;
  return { address, bits: bits === undefined ? most : Number(bits), family: version === 4 ? 'ipv4' : 'ipv6' };
}

const firstOf = (list: readonly string[], isRight: (item: string) => boolean, what: string): Checked => {
  const wrong = list.find((item) => !isRight(item));
  return wrong === undefined ? undefined : `"${wrong.slice(0, 100)}" ${what}`;
};

export function checkNetworks(list: readonly string[]): Checked {
  return firstOf(list, (item) => networkOf(item) !== undefined, 'is no address and no network such as 10.0.0.0/8');
}

export function checkAgentNames(list: readonly string[]): Checked {
  const twice = list.find((name, i) => list.indexOf(name) !== i);
  if (twice !== undefined) return `"${twice.slice(0, 100)}" is named twice`;
  if (list.length > MAX_AGENTS) return `names ${list.length} agents, more than ${MAX_AGENTS}`;
  return firstOf(list, isAgentId, `is no name of an agent: it must be ${AGENT_ID_RULE}`);
}

export function checkHeaderNames(list: readonly string[]): Checked {
  return firstOf(list, isToken, 'is no name that HTTP allows') ?? checkFraming(list);
}

export function checkHeaderValues(map: Readonly<Record<string, unknown>>): Checked {
  const wrong = checkHeaderNames(Object.keys(map));
  if (wrong !== undefined) return wrong;
  return firstOf(
    Object.keys(map),
    (name) => typeof map[name] === 'string' && isFieldValue(map[name]),
    'must have a text without line breaks and without letters beyond Latin-1',
  );
}

function checkFraming(names: readonly string[]): Checked {
  return firstOf(
    names,
    (name) => !UNCHANGEABLE.has(name.toLowerCase()),
    'says where messages end or go, and cannot be changed',
  );
}

export function checkMediaTypes(list: readonly string[]): Checked {
  return firstOf(list, (item) => TYPE.test(item), 'is no media type such as text/html or text/*');
}

export function checkRealm(value: string): Checked {
  return /^[\x20-\x7e]*$/.test(value) && !/["\\]/.test(value) ? undefined : 'must be ASCII without " and \\';
}

export function checkUsers(map: Readonly<Record<string, unknown>>): Checked {
  const isUser = (name: string): boolean =>
    name !== '' && !/[:\p{Cc}]/u.test(name) && typeof map[name] === 'string' && map[name] !== '';
  const wrong = firstOf(Object.keys(map), isUser, 'must be a name without a colon, with a password as text');
  // Not the password itself: it is a secret, though a wrong one.
  return wrong ?? firstOf(Object.keys(map), (name) => isSecret(map[name] as string), HASH_RULE);
}

export function checkTokens(list: readonly string[]): Checked {
  return list.every(isSecret) ? undefined : `a token ${HASH_RULE}`;
}

/** Before a secret that is given as its SHA-256. */
export const HASHED = 'sha256:';

const HASH_RULE = `must have 64 hex digits behind ${HASHED}`;

function isSecret(text: string): boolean {
  return !text.startsWith(HASHED) || /^[0-9a-f]{64}$/i.test(text.slice(HASHED.length));
}

export function checkForwardUrl(value: string): Checked {
  if (value === '') return undefined;
  const isHttp = URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).username === '';
  return isHttp ? undefined : 'must be an http or https URL without user and password';
}
