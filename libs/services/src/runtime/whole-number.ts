import { ServicesError } from '../errors.js';

/** @throws ServicesError `BERTH_SERVICE_INVALID` for what is no whole number from 1 */
export function wholeNumber(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new ServicesError('BERTH_SERVICE_INVALID', `${name} is ${value}; it must be a whole number from 1`);
}
