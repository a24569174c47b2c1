const UNIX = /^unix:(\/.+)$/;
const H2 = /^(h2c?):\/\//;

/** What a usable target looks like; the end of the message about any other. */
export const TARGET_FORMS =
  'give 3000, host:3000, http://host:port, https://host:port, h2c://host:port, h2://host:port, unix:/path/to.sock or tcp://host:port';

/**
 * A target as the agent keeps it: `http://host[:port]`, `https://host[:port]`, the same with `h2c` and `h2` for
 * HTTP/2 without and with TLS, `tcp://host:port` or `unix:/path`.
 *
 * @param text as written; a port alone means localhost, `host:port` means http
 * @returns nothing when it is none of the forms. A path, a query or user data is
 * refused: the client's target goes to the local service as it came, so they
 * would silently have no effect.
 */
export function normaliseTarget(text: string): string | undefined {
  if (UNIX.test(text)) return text;
  let full = text;
  if (/^\d+$/.test(text)) full = `http://localhost:${text}`;
  else if (!text.includes('://')) {
    if (!/^(\[[^\]]+\]|[^:/]+):\d+$/.test(text)) return undefined;
    full = `http://${text}`;
  }
  if (/\s/.test(full)) return undefined;
  const [, h2 = ''] = H2.exec(full) ?? [];
  // The rules of URLs for hosts and ports hold only where the scheme is one that they know.
  if (h2 !== '') full = full.replace(h2, h2.endsWith('c') ? 'http' : 'https');
  if (!URL.canParse(full)) return undefined;
  const url = new URL(full);
  if (url.protocol === 'tcp:') {
    const extra = url.username + url.password + url.search + url.hash + url.pathname;
    return extra === '' && url.port !== '' && url.port !== '0' && url.hostname !== '' ? `tcp://${url.host}` : undefined;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  const extra = url.username + url.password + url.search + url.hash;
  if (extra !== '' || url.pathname !== '/' || url.port === '0') return undefined;
  return `${h2 === '' ? url.protocol : `${h2}:`}//${url.host}`;
}

/**
 * A target as it stands in settings: normalised, when it is one. A port may be
 * a number there; what is neither is left for the rules to report.
 */
export function asTarget(given: unknown): string {
  const text = typeof given === 'number' ? String(given) : given;
  return ((typeof text === 'string' ? normaliseTarget(text) : undefined) ?? given) as string;
}

/** Says what is wrong with a target; an empty one is reported as missing. */
export function checkTarget(text: string): string | undefined {
  if (text === '' || normaliseTarget(text) !== undefined) return undefined;
  // With an @ it may have a password, of which nothing is shown.
  const bare = /^((?:\w+:\/\/)?[^/?#@]+)[/?#][^@]*$/.exec(text)?.[1];
  if (bare !== undefined && normaliseTarget(bare) !== undefined) {
    return `has a path or a query, which would have no effect: give ${bare}`;
  }
  return `is no usable target: ${TARGET_FORMS}`;
}

/** Kind of port that a target is served by. */
export function kindOf(target: string): 'http' | 'tcp' {
  return target.startsWith('tcp:') ? 'tcp' : 'http';
}
