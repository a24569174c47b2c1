/**
 * Parts of a number, as equal as whole numbers allow.
 *
 * @param whole 0 and more
 * @param parts 1 and more
 * @param index of the part asked for, from 0; the first ones are greater by one where it does not divide
 */
export function shareOf(whole: number, parts: number, index: number): number {
  return Math.floor(whole / parts) + (index < whole % parts ? 1 : 0);
}
