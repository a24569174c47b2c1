import { ResetCode } from './heads.js';
import type { ExchangeFailure } from './sinks.js';

type SnakeCase<S extends string> = S extends `${infer Head}${infer Tail}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${SnakeCase<Tail>}`
  : S;

/** Why an exchange ended early, in a word: `cancelled` (its client left), `local_unreachable`, `connection_lost` … */
export type FailureReason = SnakeCase<keyof typeof ResetCode> | 'connection_lost';

const REASONS: ReadonlyMap<ExchangeFailure['code'], FailureReason> = new Map<ExchangeFailure['code'], FailureReason>([
  ...Object.entries(ResetCode).map(
    ([name, code]) => [code, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) as FailureReason] as const,
  ),
  ['connection-lost', 'connection_lost'],
]);

/** @param code of a peer too, so it may be one that is not known here: that is `unspecified` */
export function failureReasonOf(code: ExchangeFailure['code']): FailureReason {
  return REASONS.get(code) ?? 'unspecified';
}
