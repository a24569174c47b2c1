/** Of a target in absolute form (RFC 9112 section 3.2.2). */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i;
const NETWORK = /^[/\\]{2,}[^/\\]*/;
/** Most paths have nothing of it. */
const UNUSUAL = /[%;\\\x80-\xff]|\/\/|\/\./;

/**
 * The path of a request target as most services read it, so that a rule is not
 * gone around by another way to write it: without query, percent-encoding undone,
 * `\` as `/`, without `.`, `..` and doubled slashes (RFC 3986 sections 5.2.4 and
 * 6.2.2), and of each part nothing behind a `;`. Upper and lower case are kept.
 *
 * @param target one character per byte
 */
export function plainPath(target: string): string {
  return plain(sentPath(target));
}

/**
 * All paths that services may read in a request target: {@link plainPath} first, and where it begins with two slashes
 * also what follows the name of a host, which services read that resolve it as a reference to a URL (RFC 3986 section
 * 4.2), as `new URL()` does. A rule that keeps something out must look at each.
 *
 * @param target one character per byte
 */
export function plainPaths(target: string): readonly string[] {
  const path = sentPath(target);
  return NETWORK.test(path) ? [plain(path), plain(path.replace(NETWORK, ''))] : [plain(path)];
}

/** The path of a request target as it was sent: without origin and query. */
export function sentPath(target: string): string {
  const whole = target.replace(ORIGIN, '');
  const end = whole.search(/[?#]/);
  return end === -1 ? whole : whole.slice(0, end);
}

function plain(path: string): string {
  if (path.startsWith('/') && !UNUSUAL.test(path)) return path;
  // Twice: proxies and frameworks in a row each take one layer off.
  const whole = Buffer.from(unescaped(unescaped(path)), 'latin1').toString();
  const parts: string[] = [];
  for (const raw of whole.split(/[/\\]+/)) {
    const part = raw.split(';', 1)[0] ?? '';
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  const isFolder = /[/\\]\.{0,2}$/.test(whole) && parts.length > 0;
  return `/${parts.join('/')}${isFolder ? '/' : ''}`;
}

function unescaped(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
