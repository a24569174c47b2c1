/** Most paths have nothing of it. */
const UNUSUAL = /[%\\\x80-\xff]|\/\/|\/\./;
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i;

/**
 * The path of a request target as servers understand it, so that a rule is not
 * gone around by another way to write it: without query, percent-encoding undone
 * once, `\` as `/`, and without `.`, `..` and doubled slashes (RFC 3986 sections
 * 5.2.4 and 6.2.2). Upper and lower case are kept.
 *
 * @param uri request target, one character per byte
 */
export function plainPath(uri: string): string {
  const target = uri.replace(ORIGIN, '');
  const end = target.search(/[?#]/);
  const path = end === -1 ? target : target.slice(0, end);
  if (path.startsWith('/') && !UNUSUAL.test(path)) return path;
  const kept: string[] = [];
  const segments = decoded(path).replaceAll('\\', '/').split('/');
  for (const segment of segments) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const last = segments.at(-1);
  const folder = kept.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${kept.join('/')}${folder ? '/' : ''}`;
}

function decoded(path: string): string {
  const bytes = path.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
