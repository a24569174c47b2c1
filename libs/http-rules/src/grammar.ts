const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether a text may be a method or the name of a header (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a text may be the value of a header, in Latin-1: a line break would begin another one (RFC 9110 section 5.5). */
export function isFieldValue(text: string): boolean {
  return VALUE.test(text);
}
