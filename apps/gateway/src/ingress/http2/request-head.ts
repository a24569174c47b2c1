import { METHODS } from 'node:http';
import type { Duplex } from 'node:stream';
import { BerthError } from '@berth/errors';
import { ExchangeKind, type FlatHeaders, type OpenHead } from '@berth/exchange';
import { FramingError, isHost, type RelayedHead, relayHead } from '@berth/http-rules';
import { bodyTooLarge } from '../failures.js';
import { withClient } from '../http/forwarded.js';
import type { IngressOptions } from '../http/ingress-context.js';
import { badRequest, targetFault } from '../http/request-head.js';
import type { RequestFields } from './request-fields.js';

/** Who asks: the same for all requests of a connection. */
export interface Http2Client {
  readonly socket: Duplex;
  /** as the gateway sees it */
  readonly address: string;
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

/** What HTTP/1.1 can carry of a path; nghttp2 lets other bytes through. */
const PATH = /^\/[\x21-\x7e]*$|^\*$/;

/**
 * The head of the exchange that a request becomes, or why it is refused. What makes it malformed
 * (RFC 9113 section 8.1.1), headers of a connection say, nghttp2 has reset already.
 *
 * @param hasBody the stream goes on behind its head
 * @param service name of the local service, empty for the default one
 */
export function readHttp2Head(
  request: RequestFields,
  hasBody: boolean,
  { socket, address }: Http2Client,
  options: IngressOptions,
  service: string,
): OpenHead | BerthError {
  const { method, path } = request;
  if (!KNOWN_METHODS.has(method)) return badRequest('the request method is unknown');
  const unfit = targetFault(method, path, options);
  if (unfit !== undefined) return unfit;
  if (!PATH.test(path)) return badRequest('the path is not one that HTTP/1.1 can carry');
  let head: RelayedHead;
  try {
    head = relayHead(request.fields, false);
  } catch (thrown) {
    if (thrown instanceof FramingError) return badRequest(thrown.message);
    throw thrown;
  }
  const host = hostOf(request, head);
  if (host instanceof BerthError) return host;
  if (options.maxBodyBytes > 0 && (head.contentLength ?? 0) > options.maxBodyBytes)
    return bodyTooLarge(options.maxBodyBytes);
  return {
    kind: ExchangeKind.http,
    method,
    target: path,
    headers: withClient(withHost(head.headers, host), socket, address, host, options),
    body: hasBody && head.contentLength !== 0,
    service,
  };
}

/** `:authority` is what Host is in HTTP/1.1; beside it, a Host must say the same (RFC 9113 section 8.3.1). */
function hostOf({ authority }: RequestFields, head: RelayedHead): string | BerthError {
  if (head.hosts > 1) return badRequest('more than one Host header');
  const host = authority ?? head.host;
  if (!isHost(host)) return badRequest(`${authority === undefined ? 'the Host header' : ':authority'} is not a host`);
  if (head.hosts === 1 && head.host.toLowerCase() !== host.toLowerCase())
    return badRequest('the Host header is not what :authority says');
  return host;
}

function withHost(fields: FlatHeaders, host: string): FlatHeaders {
  const headers = ['host', host];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (name !== 'host') headers.push(name, fields[i + 1] as string);
  }
  return headers;
}
