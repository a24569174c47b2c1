import { invalid } from './errors.js';

/** Partitions are 32-bit on the wire. */
export const MAX_PARTITION = 4_294_967_295;

/** Longest time that a timer takes, ms. */
export const MAX_MS = 2_147_483_647;

/** The error of a setting that cannot be. */
export type Refusing = (message: string) => Error;

/**
 * A whole number from `least` to `most`, given back.
 *
 * @param what names the setting, first words of the message
 * @throws what `refusing` makes; by default ServicesError `BERTH_SERVICE_INVALID`
 */
export function wholeNumber(
  what: string,
  value: number,
  least = 1,
  most = Number.MAX_SAFE_INTEGER,
  refusing: Refusing = invalid,
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw refusing(`${what} is ${value}; it must be a whole number ${range}`);
}

/** What a setting may be; a number alone is the default of one from 1. */
type Limit = number | { readonly default: number; readonly least?: number; readonly most?: number };

/** The options that a table of limits names; the docstrings of the table are theirs. */
export type NumberOptions<L> = { readonly [Name in keyof L]?: number | undefined };

/** The settings that `limits` names, checked and with their defaults. @throws see {@link wholeNumber} */
export function wholeNumbers<L extends Readonly<Record<string, Limit>>>(
  options: NumberOptions<L>,
  limits: L,
  refusing?: Refusing,
): Readonly<Record<keyof L, number>> {
  const numbers: Partial<Record<keyof L, number>> = {};
  for (const name of Object.keys(limits) as (keyof L & string)[]) {
    const limit: Limit = limits[name] as Limit;
    const { default: usual, least, most } = typeof limit === 'number' ? { default: limit } : limit;
    numbers[name] = wholeNumber(name, options[name] ?? usual, least, most, refusing);
  }
  return numbers as Record<keyof L, number>;
}
