const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY']);

/** Whether a request may be sent a second time when its first try got no answer (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** Whether a response of this status to this method has no body, whatever its headers say (RFC 9112 section 6.3). */
export function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** Whether a response of this status must not have a Content-Length (RFC 9110 section 8.6). */
export function forbidsLength(status: number): boolean {
  return status < 200 || status === 204;
}
