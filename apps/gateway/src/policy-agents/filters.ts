import { IdPatterns, type OpenHead } from '@berth/exchange';
import { withoutQuery } from '@berth/http-rules';
import { plainPath } from '@berth/policy-agents';

/** What requests and bodies an agent is asked about; empty lists: all. */
export interface FilterSettings {
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  readonly contentTypes: readonly string[];
}

/** Of a target in absolute form (RFC 9112 section 3.2.2). */
const AUTHORITY = /^[a-z][a-z0-9+.-]*:\/\/[^/]*/i;

/** The same, in a target that a service resolves as a reference to a URL (RFC 3986 section 4.2), as `new URL()` does. */
const NETWORK = /^[/\\]{2,}[^/\\]*/;

/** These settings, made up so that a request costs little. */
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
    if (paths.find(path) === true || paths.find(plainPath(path)) === true) return true;
    return NETWORK.test(path) && paths.find(plainPath(path.replace(NETWORK, ''))) === true;
  }
}
