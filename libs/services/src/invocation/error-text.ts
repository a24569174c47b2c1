import { AppError } from '../errors.js';

/** Longest text of an error in a reply or in the log, bytes of UTF-8, without the note that it was cut. */
export const MAX_ERROR_TEXT_BYTES = 8192;

/** A UTF-16 unit has three bytes of UTF-8 at most. */
const SURELY_SHORT = Math.floor(MAX_ERROR_TEXT_BYTES / 3);

const encoder = new TextEncoder();

/**
 * An error's text as it may travel: one of megabytes would make a reply that no carrier takes, and its caller would not
 * learn what went wrong.
 */
export function cutText(text: string): string {
  if (text.length <= SURELY_SHORT) return text;
  // Stops before a character that does not fit.
  const { read } = encoder.encodeInto(text, new Uint8Array(MAX_ERROR_TEXT_BYTES));
  return read === text.length ? text : `${text.slice(0, read)}… (cut off, ${Buffer.byteLength(text)} bytes in all)`;
}

/**
 * What `look` gives, or `undefined` where it throws. A method may throw anything: an object without a prototype, a
 * getter or a proxy that throws when it is read.
 */
export function safely<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Longest class name of an error, UTF-16 units. */
const MAX_NAME_LENGTH = 256;

/** An error's fields are what the method has put there. */
type Untyped = { readonly [K in 'name' | 'code' | 'message']?: unknown };

/** What can be told of anything thrown: its class, or `typeof` of what is no Error, and its text. Never throws. */
export function textOfThrown(thrown: unknown): { readonly name: string; readonly message: string } {
  const text = safely(() => {
    if (!(thrown instanceof Error)) return { name: typeof thrown, message: String(thrown) };
    const { name, message }: Untyped = thrown;
    return { name: String(name).slice(0, MAX_NAME_LENGTH), message: String(message) };
  });
  return text ?? { name: typeof thrown, message: 'what was thrown cannot be read' };
}

/** The caller's part of an AppError; `undefined` for all else, and for one that cannot be read. */
export function appErrorOf(thrown: unknown): Pick<AppError, 'code' | 'message' | 'details'> | undefined {
  return safely(() => {
    if (!(thrown instanceof AppError)) return undefined;
    const { code, message }: Untyped = thrown;
    return { code: String(code), message: String(message), details: thrown.details };
  });
}
