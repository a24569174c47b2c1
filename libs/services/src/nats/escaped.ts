/** A text as one word of a subject or key of NATS. @param forbidden what is written as `sign` and two hex digits a byte */
export function escaped(text: string, sign: '=' | '%' = '=', forbidden = /[^A-Za-z0-9_-]/gu): string {
  return text.replace(forbidden, (char) =>
    [...Buffer.from(char)].map((byte) => `${sign}${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

/** `package.Service` as words of a subject or key. */
export function wordsOf(service: string): string {
  return service
    .split('.')
    .map((word) => escaped(word))
    .join('.');
}
