/** Longest text of an error in a reply or in the log, bytes of UTF-8, without the note that it was cut. */
export const MAX_ERROR_TEXT_BYTES = 8192;

/** A UTF-16 unit has three bytes of UTF-8 at most. */
const SURELY_SHORT = Math.floor(MAX_ERROR_TEXT_BYTES / 3);

const encoder = new TextEncoder();

/**
 * An error's text as it may travel: one of megabytes would make a reply that
 * no carrier takes, and its caller would not learn what went wrong.
 */
export function cutText(text: string): string {
  if (text.length <= SURELY_SHORT) return text;
  // Stops before a character that does not fit.
  const { read } = encoder.encodeInto(text, new Uint8Array(MAX_ERROR_TEXT_BYTES));
  return read === text.length ? text : `${text.slice(0, read)}… (cut off, ${Buffer.byteLength(text)} bytes in all)`;
}
