import { IdPatterns, type OpenHead } from '@berth/exchange';
import { withoutQuery } from '@berth/http-rules';

/** What requests and bodies an agent is asked about; empty lists: all. */
export interface FilterSettings {
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  readonly contentTypes: readonly string[];
}

/** Of a target in absolute form (RFC 9112 section 3.2.2). */
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;

/** The same, made up so that a request costs little. */
export class Filter {
  private readonly paths: IdPatterns<true> | undefined;
  private readonly methods: ReadonlySet<string> | undefined;
  private readonly types: readonly string[] | undefined;

  constructor({ paths, methods, contentTypes }: FilterSettings) {
    if (paths.length > 0) this.paths = new IdPatterns(paths.map((path) => [path, true]));
    if (methods.length > 0) this.methods = new Set(methods.map((method) => method.toUpperCase()));
    if (contentTypes.length > 0) this.types = contentTypes.map((type) => type.toLowerCase().replace(/\*$/, ''));
  }

  concerns({ method, target }: OpenHead): boolean {
    if (this.methods?.has(method) === false) return false;
    return this.paths === undefined || this.hasPath(this.paths, withoutQuery(target).replace(AUTHORITY, ''));
  }

  /** @param type in lower case, without parameters; empty: unknown, which may be anything */
  concernsBody(type: string): boolean {
    if (this.types === undefined || type === '') return true;
    return this.types.some((known) => (known.endsWith('/') ? type.startsWith(known) : type === known));
  }

  /** A path that services read otherwise than it was written must not get by. */
  private hasPath(paths: IdPatterns<true>, path: string): boolean {
    return paths.find(path) === true || paths.find(asRead(path)) === true;
  }
}

/** A path as most services read it: escapes resolved, `\` as `/`, no `//`, no `.` and `..`, nothing behind a `;`. */
export function asRead(path: string): string {
  const parts: string[] = [];
  const plain = unescaped(path);
  for (const raw of plain.split(/[/\\]+/)) {
    const part = raw.split(';', 1)[0] ?? '';
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  const isFolder = /[/\\]\.{0,2}$/.test(plain) && parts.length > 0;
  return `/${parts.join('/')}${isFolder ? '/' : ''}`;
}

/** Twice: proxies and frameworks in a row each take one layer off. */
function unescaped(path: string): string {
  return path.includes('%') ? once(once(path)) : path;
}

/** Byte by byte: what is no UTF-8 has to be compared as well. */
function once(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  }
}
