import { BerthError } from '@berth/errors';

/** Where a value was found, for messages: `env HTTP_PORT`, `flag --http-port`, `application.yaml`. */
export type Source = string;

/** A value as it was found, before it is read and judged. */
export interface RawValue {
  readonly path: string;
  readonly value: unknown;
  readonly source: Source;
}

/** Collects everything that is wrong, to report it together. */
export class Problems {
  private readonly lines: string[] = [];
  private readonly paths = new Set<string>();

  /** @param given value and source to show; without a value for secrets */
  add(path: string, what: string, given: { value?: unknown; source?: Source } = {}): void {
    const parts = [];
    if (given.value !== undefined) parts.push(`got ${shown(given.value)}`);
    if (given.source !== undefined) parts.push(`from ${given.source}`);
    this.paths.add(path);
    this.lines.push(`${path}: ${what}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`);
  }

  has(path: string): boolean {
    return this.paths.has(path);
  }

  /** @throws BerthError `BERTH_CONFIG_INVALID` with a line per problem, when there is any */
  throwIfAny(): void {
    if (this.lines.length > 0) throw new BerthError('BERTH_CONFIG_INVALID', this.lines.join('\n'));
  }
}

/** A value as one short piece of text. User data in a URL is a secret wherever it stands. */
function shown(value: unknown): string {
  const text = JSON.stringify(value).replaceAll(/[^\s/@"]*@/g, '[REDACTED]@');
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
