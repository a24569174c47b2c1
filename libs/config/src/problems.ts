import { BerthError } from '@berth/errors';

/** A value as it was found, before it is read and judged. */
export interface RawValue {
  readonly path: string;
  readonly value: unknown;
  /** where it was found, for messages: `env HTTP_PORT`, `flag --http-port`, `application.yaml:12` */
  readonly source: string;
}

/** Collects everything that is wrong, to report it together. */
export class Problems {
  private readonly lines: string[] = [];
  private readonly paths = new Set<string>();

  /** @param given value and source to show; without a value for secrets */
  add(path: string, what: string, { value, source }: { value?: unknown; source?: string | undefined } = {}): void {
    const parts = [...(value === undefined ? [] : [`got ${shown(value)}`]), ...(source ? [`from ${source}`] : [])];
    this.paths.add(path);
    this.lines.push(`${path}: ${what}${parts.length > 0 ? ` (${parts.join(', ')})` : ''}`);
  }

  get size(): number {
    return this.lines.length;
  }

  has(path: string): boolean {
    return this.paths.has(path);
  }

  /** @throws BerthError `BERTH_CONFIG_INVALID` with a line per problem, when there is any */
  throwIfAny(): void {
    if (this.lines.length > 0) throw new BerthError('BERTH_CONFIG_INVALID', this.lines.join('\n'));
  }
}

/** A text without the user and the password of the URL that it may be. */
export function withoutUserInfo(text: string): string {
  return text.replace(/^([a-z]+:\/\/)?[^/@\s]+@/i, '$1[REDACTED]@');
}

/** A value as one short piece of text. User data in a URL is a secret wherever it stands. */
function shown(value: unknown): string {
  const text = JSON.stringify(typeof value === 'string' ? withoutUserInfo(value) : value);
  const safe = text.replaceAll(/[^\s/@"]*@/g, '[REDACTED]@');
  return safe.length > 100 ? `${safe.slice(0, 100)}…` : safe;
}
