import type { TLSSocket } from 'node:tls';
import type { HandshakeFailure } from '../lifecycle/index.js';

/** Why a connection came to nothing, in words that say what to do. */
export interface EdgeFailure {
  reason: HandshakeFailure;
  text: string;
}

const PLAINTEXT =
  /^ERR_SSL_(HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL)$/;
const NOT_TRUSTED = /_ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)$/;
const OUT_OF_DATE = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/**
 * What a failed TLS handshake failed of.
 *
 * @param error what `tlsClientError` told
 * @returns undefined when the peer only left
 */
export function describeTlsFailure(error: NodeJS.ErrnoException, socket: TLSSocket): EdgeFailure | undefined {
  // Set where a certificate was required and the one shown did not do; what `error` tells then is only that the socket was closed.
  const untrusted = untrustedFor(socket);
  if (untrusted !== undefined) return untrusted;
  const code = error.code ?? '';
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined;
  if (PLAINTEXT.test(code)) {
    return { reason: 'plaintext', text: 'the peer speaks no TLS, and this port does (grpc.tls.enabled)' };
  }
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') {
    return { reason: 'certificate', text: 'no client certificate was shown (grpc.tls.clientCert is require)' };
  }
  if (NOT_TRUSTED.test(code)) {
    return { reason: 'tls', text: "the peer does not trust the gateway's certificate (the agent's tls.caFile)" };
  }
  return { reason: 'tls', text: code === '' ? error.message.slice(0, 200) : code };
}

/** Why the certificate that a client showed does not count; undefined when it does, or when there is none. */
export function describeUntrusted(socket: TLSSocket): EdgeFailure | undefined {
  // Its type leaves out the null of a socket that is closed by now.
  const shown = socket.getPeerCertificate() as object | null;
  return shown === null || Object.keys(shown).length === 0 ? undefined : untrustedFor(socket);
}

function untrustedFor({ authorizationError }: TLSSocket): EdgeFailure | undefined {
  // Its type says Error; what Node sets is the code of OpenSSL's verification.
  const code = authorizationError as unknown;
  if (typeof code !== 'string') return undefined;
  return {
    reason: 'certificate',
    text: OUT_OF_DATE.has(code)
      ? `the client certificate is out of date (${code})`
      : `the client certificate is not signed by the CA in grpc.tls.caFile (${code})`,
  };
}
