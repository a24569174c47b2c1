import { ServicesError } from '../errors.js';

/** Longest object id, bytes of UTF-8. */
export const MAX_OBJECT_ID_BYTES = 256;

// '/' and '*' have a meaning in message keys (checklist B14).
const FORBIDDEN = /[/*\p{Cc}]/u;

/**
 * What is wrong with an object id, or `undefined`: ids are 1..256 bytes of
 * UTF-8 without `/`, `*` and control characters. Numeric ids are decimal digits:
 * 64-bit values do not fit a JavaScript number.
 */
export function checkObjectId(value: string): string | undefined {
  if (value === '') return 'the object id is empty';
  if (value.length > MAX_OBJECT_ID_BYTES || Buffer.byteLength(value) > MAX_OBJECT_ID_BYTES)
    return `the object id is longer than ${MAX_OBJECT_ID_BYTES} bytes`;
  if (FORBIDDEN.test(value)) return "the object id has a '/', a '*' or a control character";
  if (!value.isWellFormed()) return 'the object id is not valid Unicode';
  return undefined;
}

const MAX_UINT64 = 2n ** 64n - 1n;

/**
 * An object id as text: a bigint becomes its decimal digits.
 *
 * @throws ErrorClass `BERTH_SERVICE_BAD_OBJECT_ID` also for a number: beyond 2^53 it is another one already
 */
export function objectIdText(id: unknown, ErrorClass: typeof ServicesError = ServicesError): string {
  const text = typeof id === 'bigint' ? String(id) : id;
  let problem: string | undefined;
  if (typeof id === 'bigint' && (id < 0n || id > MAX_UINT64))
    problem = `the object id ${id} is no unsigned 64-bit number`;
  else if (typeof text === 'string') problem = checkObjectId(text);
  else problem = `an object id is a string or a bigint, not a ${typeof id}: numbers lose digits beyond 2^53`;
  if (problem !== undefined) throw new ErrorClass('BERTH_SERVICE_BAD_OBJECT_ID', problem);
  return text as string;
}
