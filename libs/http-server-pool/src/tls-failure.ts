import type { TLSSocket } from 'node:tls';

/** Why TLS handshakes of clients come to nothing. */
export const TLS_FAILURES = ['certificate', 'gone', 'plaintext', 'timeout', 'tls', 'untrusted'] as const;

/**
 * - `certificate`: the client's own is missing, or does not count
 * - `gone`: the client left
 * - `plaintext`: no TLS, but HTTP
 * - `timeout`: it was not over in time
 * - `untrusted`: the client does not trust the port's certificate
 * - `tls`: anything else, such as no version or cipher in common
 */
export type TlsFailure = (typeof TLS_FAILURES)[number];

const UNTRUSTED = /_ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)$/;

/** @param error of `tlsClientError` */
export function tlsFailureOf({ code = '' }: { readonly code?: string }, { authorizationError }: TLSSocket): TlsFailure {
  // Its type says Error; Node leaves null where nothing is wrong.
  if ((authorizationError as unknown) || code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'certificate';
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'gone';
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'plaintext';
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'timeout';
  return UNTRUSTED.test(code) ? 'untrusted' : 'tls';
}
