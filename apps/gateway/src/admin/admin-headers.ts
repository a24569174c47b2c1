import type { ServerResponse } from 'node:http';

/** Headers of every answer of the admin port: not to be guessed at, framed, kept, or read by pages of other origins. */
export const ADMIN_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // What Swagger's page needs and no more: its scripts are files, its styles are partly in the page.
  'Content-Security-Policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
};

export function hardenAnswer(response: ServerResponse): void {
  for (const [name, value] of Object.entries(ADMIN_HEADERS)) response.setHeader(name, value);
}
