import { isDescriptorError } from '@berth/node-runtime';
import { ResetCode } from '@berth/exchange';

/** Code of an error: the service takes connections, and does not begin HTTP/2 on them. */
export const NO_HTTP2 = 'BERTH_NO_HTTP2';

/** Why the local service cannot be reached; for its operator and for the client alike, so without addresses. */
const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'it refuses connections'],
  ['ENOTFOUND', 'its name cannot be resolved'],
  ['EAI_AGAIN', 'its name cannot be resolved now'],
  ['EHOSTUNREACH', 'no route leads to it'],
  ['ENETUNREACH', 'no route leads to it'],
  ['ETIMEDOUT', 'it takes no connection in time'],
  ['UND_ERR_CONNECT_TIMEOUT', 'it takes no connection in time (local.connectTimeoutMs)'],
  ['ENOENT', 'its socket does not exist'],
  ['EACCES', 'the agent has no right to open its socket'],
  [NO_HTTP2, 'it does not speak HTTP/2: is its target http:// or https://, and not h2c:// or h2://?'],
]);

/** On a connection that stood: the request may have got there. */
const ESTABLISHED: ReadonlySet<unknown> = new Set(['read', 'write']);

/** OpenSSL's codes for a certificate that was looked at and not accepted, as Node names them. */
const NOT_TRUSTED =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED|ERROR_IN_CERT)/;

/** The code in an error of Node or undici; empty when there is none. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** What a fault of the local service is called in the tunnel, and why it happened. */
export interface LocalFailure {
  code: ResetCode;
  /** a sentence's second half; names the setting that can change it */
  reason: string;
}

export function localFailureOf(error: Error): LocalFailure {
  const code = codeOf(error);
  if (isDescriptorError(error)) return { code: ResetCode.localBusy, reason: error.message };
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return { code: ResetCode.localTimeout, reason: error.message };
  const isEstablished = ESTABLISHED.has((error as NodeJS.ErrnoException).syscall);
  const unreachable = (isEstablished ? undefined : UNREACHABLE.get(code)) ?? tlsFault(code, error.message);
  if (unreachable !== undefined) return { code: ResetCode.localUnreachable, reason: unreachable };
  return { code: ResetCode.localFailed, reason: noAnswer(code, error.message) };
}

/** What undici and Node's parser say of a service that speaks something else than plain HTTP. */
function noAnswer(code: string, message: string): string {
  if (code === 'UND_ERR_SOCKET' && message === 'other side closed')
    return 'it closed the connection before it had answered: if it has TLS, its target is https://';
  // Of llhttp, which both have; undici gives it no code.
  if (message.includes('Expected HTTP/'))
    return 'what it says is not HTTP/1: its target may have to be tcp:// or h2c://';
  return message;
}

function tlsFault(code: string, message: string): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'its certificate is for another name than the one asked for (local.tls.serverName)';
  if (NOT_TRUSTED.test(code)) {
    // Node adds advice about its own flags behind a semicolon.
    const why = message.split(';', 1).join('');
    return `its certificate is not accepted: ${why} (local.tls.caFile, or local.tls.verify to go without)`;
  }
  // What breaks records is found after the handshake as well.
  if ((code !== 'EPROTO' && !code.startsWith('ERR_SSL_')) || code.includes('BAD_RECORD_MAC')) return undefined;
  const said = /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? code;
  if (/wrong version number|packet length too long/.test(said))
    return 'it does not speak TLS: is the target http:// and not https://?';
  return `TLS cannot be agreed on with it: ${said}`;
}

/**
 * A status as parsed.
 *
 * @throws Error for one below 100, which parsers let pass: sent on, it would end the connection to the gateway
 */
export function realStatus(status: number): number {
  if (status < 100) throw new Error(`status ${status} is none (RFC 9110 section 15)`);
  return status;
}

/** A connection that was kept alive and had gone stale when the request was written to it. */
export function isStaleConnection(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}
