import type { IncomingMessage } from 'node:http';
import { BerthError } from '@berth/errors';
import {
  authorityOf,
  carriesHttp,
  type FlatHeaders,
  FramingError,
  headerValue,
  isHost,
  type RelayedHead,
  relayHead,
  setHeader,
  upgradeProtocols,
  withoutHttpUpgrades,
} from '@berth/http-rules';
import { ExchangeKind, type OpenHead } from '@berth/exchange';
import { errorOfParser, peerAddress } from '@berth/http-server-pool';
import { withClient } from './forwarded.js';
import { bodyTooLarge } from '../failures.js';
import type { IngressOptions } from './ingress-context.js';

/**
 * The head of the exchange that a client's request becomes, or why the request is refused.
 *
 * @param isUpgrade keeps what asks for another protocol
 * @param service name of the local service, empty for the default one
 */
export function readRequestHead(
  request: IncomingMessage,
  isUpgrade: boolean,
  options: IngressOptions,
  service: string,
): OpenHead | BerthError {
  if (request.httpVersionMajor !== 1) return badRequest('this port speaks HTTP/1.1 and HTTP/1.0');
  const target = request.url as string;
  const unfit = targetFault(request.method as string, target, options);
  if (unfit !== undefined) return unfit;
  let head: RelayedHead;
  try {
    head = relayHead(request.rawHeaders, isUpgrade);
    if (isUpgrade) head.headers = withoutHttpUpgrades(head.headers);
  } catch (thrown) {
    if (thrown instanceof FramingError) return badRequest(thrown.message);
    throw thrown;
  }
  // An intermediary of HTTP/1.0 may have passed it on without knowing what it means (RFC 9112 section 6.1).
  if (head.chunked && request.httpVersionMinor === 0) return badRequest('Transfer-Encoding in HTTP/1.0');
  const fault = hostFault(head, request);
  if (fault !== undefined) return badRequest(fault);
  if (options.maxBodyBytes > 0 && (head.contentLength ?? 0) > options.maxBodyBytes)
    return bodyTooLarge(options.maxBodyBytes);
  const address = peerAddress(request.socket.remoteAddress);
  return {
    kind: isUpgrade ? ExchangeKind.upgrade : ExchangeKind.http,
    method: request.method as string,
    target,
    headers: withClient(head.headers, request.socket, address, head.host, options),
    body: isUpgrade || head.chunked || (head.contentLength ?? 0) > 0,
    service,
  };
}

/**
 * Whether an upgrade is one for the local service. Not one: a request with a body (RFC 9110
 * section 7.8 leaves the choice to the server), one of HTTP/1.0 (the same section), and one
 * that asks for another version of HTTP, which would pass by everything that looks at requests.
 */
export function isUpgrade(request: IncomingMessage): boolean {
  const { headers } = request;
  const length = headers['content-length'];
  const hasBody = headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
  return !hasBody && request.httpVersionMinor !== 0 && !upgradeProtocols(request.rawHeaders).every(carriesHttp);
}

/** What is wrong with a request target, in every version of HTTP. */
export function targetFault(
  method: string,
  target: string,
  { maxTargetBytes }: IngressOptions,
): BerthError | undefined {
  if (target.length > maxTargetBytes) {
    return new BerthError(
      'BERTH_TARGET_TOO_LONG',
      `the request target is longer than ${maxTargetBytes} bytes (ingress.maxTargetBytes)`,
    );
  }
  if (target === '*' && method !== 'OPTIONS') return badRequest('the target * is for OPTIONS only');
  return undefined;
}

/** Puts the authority of an absolute target into Host (RFC 9112 section 3.2.2), and says what is wrong with Host. */
function hostFault(head: RelayedHead, { url, httpVersionMinor }: IncomingMessage): string | undefined {
  if (head.hosts === 0 && httpVersionMinor !== 0) return 'no Host header';
  if (head.hosts > 1) return 'more than one Host header';
  const authority = authorityOf(url as string);
  if (authority !== undefined) {
    if (!isHost(authority)) return 'the authority of the request target is not a host';
    setHost(head.headers, authority);
    head.host = authority;
    return undefined;
  }
  return head.hosts === 0 || isHost(head.host) ? undefined : 'the Host header is not a host';
}

function setHost(headers: FlatHeaders, host: string): void {
  if (headerValue(headers, 'host') === undefined) headers.unshift('Host', host);
  else setHeader(headers, 'Host', host);
}

const HEAD_TOO_LARGE = 'the request head is larger than allowed (ingress.maxHeaderBytes)';

/** What the parser's complaint is to a client. */
export function parserError(error: Error): BerthError {
  return errorOfParser(error, HEAD_TOO_LARGE, 'the request head did not arrive in time (ingress.headersTimeoutMs)');
}

/** The head is larger than `ingress.maxHeaderBytes`. */
export function headTooLarge(): BerthError {
  return new BerthError('BERTH_HEADERS_TOO_LARGE', HEAD_TOO_LARGE);
}

/** The request is at fault. */
export function badRequest(why: string): BerthError {
  return new BerthError('BERTH_BAD_REQUEST', why);
}
