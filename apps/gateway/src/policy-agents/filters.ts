import { IdPatterns, type OpenHead } from '@berth/exchange';
import { plainPaths, sentPath } from '@berth/policy-agents';

/** What requests and bodies an agent is asked about; empty lists: all. */
export interface FilterSettings {
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  readonly contentTypes: readonly string[];
}

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
    const { paths } = this;
    // One that services read otherwise than it was written must not get by.
    return paths === undefined || [sentPath(target), ...plainPaths(target)].some((path) => paths.find(path) === true);
  }

  /** @param type in lower case, without parameters; empty: unknown, which may be anything */
  concernsBody(type: string): boolean {
    if (this.types === undefined || type === '') return true;
    return this.types.some((known) => (known.endsWith('/') ? type.startsWith(known) : type === known));
  }
}
