/** A text without the user and the password of the URL that it may be. */
export function withoutUserInfo(text: string): string {
  return text.replace(/^([a-z]+:\/\/)?[^/@\s]+@/i, '$1[REDACTED]@');
}
