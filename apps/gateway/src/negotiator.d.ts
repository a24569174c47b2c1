declare module 'negotiator' {
  /** What a client takes, by its headers (RFC 9110 section 12.5). */
  export default class Negotiator {
    constructor(request: { headers: Record<string, string | undefined> });
    /** @param available encodings, the one preferred first; @returns of those, what the client takes, its favourite first */
    encodings(available: readonly string[], options?: { preferred?: readonly string[] }): string[];
    /** @param available the one preferred first; @returns the client's favourite of them */
    mediaType(available: readonly string[]): string | undefined;
  }
}
