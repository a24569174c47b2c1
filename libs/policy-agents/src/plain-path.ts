const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i;
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
  const whole = target.replace(ORIGIN, '');
  const end = whole.search(/[?#]/);
  const path = end === -1 ? whole : whole.slice(0, end);
  if (path.startsWith('/') && !UNUSUAL.test(path)) return path;
  // Twice: proxies and frameworks in a row each take one layer off.
  const plain = Buffer.from(unescaped(unescaped(path)), 'latin1').toString();
  const parts: string[] = [];
  for (const raw of plain.split(/[/\\]+/)) {
    const part = raw.split(';', 1)[0] ?? '';
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  const isFolder = /[/\\]\.{0,2}$/.test(plain) && parts.length > 0;
  return `/${parts.join('/')}${isFolder ? '/' : ''}`;
}

function unescaped(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
