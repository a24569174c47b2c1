import { isDescriptorError } from '#node-runtime';
import { ResetCode } from '#tunnel-protocol';

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOENT',
  'EACCES',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** The code in an error of Node or undici; empty when there is none. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** What a fault of the local service is called in the tunnel. */
export function resetCodeOf(error: unknown): ResetCode {
  const code = codeOf(error);
  if (isDescriptorError(error)) return ResetCode.localBusy;
  if (UNREACHABLE.has(code)) return ResetCode.localUnreachable;
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') return ResetCode.localTimeout;
  return ResetCode.localFailed;
}

/** A connection that was kept alive and had gone stale when the request was written to it. */
export function isStaleConnection(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}
