import { endpointOf } from '@berth/agent-pool';
import { checkIdPattern } from '@berth/exchange';
import { isToken } from '@berth/http-rules';

/** Rules of single values; each says what is wrong, or nothing. */

type Checked = string | undefined;

/** The address of agents that dial. */
export const REVERSE = 'reverse';

/** What agents may ask of the gateway besides what is only noted (checklist C18). */
const UPDATE_KINDS = ['reload', 'rules', 'list'] as const;

const ADDRESS_RULE =
  'must be grpc://host:port, grpcs://host:port, host:port, unix:/path, an absolute path, one that ends in .sock, or reverse';

/** Bytes of a path that the kernel takes for a socket, on every system. */
const MAX_SOCKET_PATH = 103;

const TYPE = /^[a-z0-9!#$&^_.+-]+\/(\*|[a-z0-9!#$&^_.+-]+)$/i;

/** What an address leads to; `secure` is `grpcs://`. */
export type AgentAddress =
  | { readonly kind: 'reverse' }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'grpc'; readonly target: string; readonly secure: boolean };

/** @returns undefined when it is none */
export function addressOf(text: string): AgentAddress | undefined {
  if (text === REVERSE) return { kind: 'reverse' };
  const [, scheme = '', rest = text] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? [];
  if (scheme !== '' && scheme !== 'grpc' && scheme !== 'grpcs' && scheme !== 'unix') return undefined;
  const endpoint = endpointOf(scheme === 'unix' ? `unix:${rest}` : rest);
  if (endpoint.transport === 'unix') {
    const { path } = endpoint;
    const fits = path !== '' && !path.includes('\0') && Buffer.byteLength(path) <= MAX_SOCKET_PATH;
    return fits && !scheme.startsWith('grpc') ? { kind: 'unix', path } : undefined;
  }
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*)):(\d{1,5})$/.exec(rest) ?? [];
  if (host === '' || Number(port) < 1 || Number(port) > 65_535) return undefined;
  return { kind: 'grpc', target: `${host}:${port}`, secure: scheme === 'grpcs' };
}

export function checkAddress(value: string): Checked {
  if (value === '' || addressOf(value) !== undefined) return undefined;
  return value.includes('/') && Buffer.byteLength(value) > MAX_SOCKET_PATH
    ? `names a socket with more than ${MAX_SOCKET_PATH} bytes, which no system takes`
    : ADDRESS_RULE;
}

const firstOf = (list: readonly string[], isRight: (item: string) => boolean, what: string): Checked => {
  const wrong = list.find((item) => !isRight(item));
  return wrong === undefined ? undefined : `"${wrong.slice(0, 100)}" ${what}`;
};

export function checkIds(list: readonly string[]): Checked {
  return list.map(checkIdPattern).find((wrong) => wrong !== undefined);
}

export function checkPaths(list: readonly string[]): Checked {
  const what = 'is no path: begin it with / or *, without a query';
  return firstOf(list, (item) => /^[/*][^?#\s\p{Cc}]*$/u.test(item), what);
}

export function checkMethods(list: readonly string[]): Checked {
  return firstOf(list, isToken, 'is no method of HTTP');
}

export function checkMediaTypes(list: readonly string[]): Checked {
  return firstOf(list, (item) => TYPE.test(item), 'is no media type such as application/json or text/*');
}

export function checkUpdateKinds(list: readonly string[]): Checked {
  const known: readonly string[] = UPDATE_KINDS;
  return firstOf(list, (item) => known.includes(item), `is none of ${UPDATE_KINDS.join(', ')}`);
}

/** Of the JSON that an agent is given when it connects. */
const MAX_CONFIG_BYTES = 524_288;

export function checkConfig(value: object): Checked {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes <= MAX_CONFIG_BYTES ? undefined : `has ${bytes} bytes as JSON, more than ${MAX_CONFIG_BYTES}`;
}
