import type { BerthError } from '@berth/errors';
import {
  type DispatchSink,
  type ExchangeHandler,
  ExchangeKind,
  type ExchangeRequest,
  type OpenedExchange,
  type OpenHead,
  type PeerSocket,
  type ResponseHead,
} from '@berth/exchange';
import { withoutQuery, withoutUserInfo } from '@berth/http-rules';
import type { TracedSpan } from '@berth/tracing';
import type { LocalService } from '../../agents/index.js';
import type { GatewayTracing } from '../../tracing/index.js';
import { CancellableExchange, type Reason } from './cancellation.js';

/** Methods of RFC 9110 and RFC 5789; clients must not make names of spans (semantic conventions, `http.request.method`). */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/**
 * Makes a span of an exchange, where it has a trace, and has the agent go on
 * with it by `traceparent`. Requests without a trace pass as they came.
 *
 * @param clientOf whose request it is
 * @returns undefined where there are no traces
 */
export function tracing(
  service: LocalService,
  traces: GatewayTracing,
  clientOf: (request: ExchangeRequest) => string = ({ clientAddress }) => clientAddress,
): ExchangeHandler | undefined {
  if (!traces.enabled) return undefined;
  return (next) => (request, sink) => {
    const { openHead } = request;
    const span = traces.begin(nameOf(openHead), openHead.headers, () => attributesOf(service, request, clientOf));
    if (span === undefined) next(request, sink);
    else next(new TracedRequest(request, span), new TracedExchange(sink, service, request, span));
  };
}

function nameOf({ kind, method }: OpenHead): string {
  if (kind === ExchangeKind.tcp) return 'tcp';
  return METHODS.has(method) ? method : 'HTTP';
}

/** Names are those of OpenTelemetry's semantic conventions, 1.4x; the query is left out, since it may hold secrets. */
function attributesOf(
  { agent, name, port, scheme }: LocalService,
  request: ExchangeRequest,
  clientOf: (request: ExchangeRequest) => string,
): Record<string, string | number> {
  const { kind, method, target } = request.openHead;
  const own = {
    'berth.agent': agent.id,
    'berth.service': name,
    'server.port': port,
    'client.address': clientOf(request),
  };
  if (kind === ExchangeKind.tcp) return { ...own, 'network.transport': 'tcp' };
  return {
    ...own,
    'http.request.method': METHODS.has(method) ? method : '_OTHER',
    'url.scheme': scheme,
    'url.path': pathOf(target),
    'network.protocol.name': 'http',
    'network.protocol.version': (request.protocol ?? 'HTTP/1.1').slice('HTTP/'.length),
  };
}

const MAX_PATH_CHARS = 1024;

function pathOf(target: string): string {
  return withoutUserInfo(withoutQuery(target))
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '')
    .slice(0, MAX_PATH_CHARS);
}

/** The request with another head; what it tells of itself it asks the first one for. */
class TracedRequest implements ExchangeRequest {
  readonly openHead: OpenHead;
  readonly traceId: string;

  constructor(
    private readonly request: ExchangeRequest,
    span: TracedSpan,
  ) {
    const { openHead } = request;
    this.traceId = span.traceId;
    // Bytes of a pipe have no head to carry it.
    this.openHead =
      openHead.kind === ExchangeKind.tcp
        ? openHead
        : { ...openHead, headers: span.passOn(openHead.headers), traced: true };
  }

  get peer(): PeerSocket | undefined {
    return this.request.peer;
  }

  get clientAddress(): string {
    return this.request.clientAddress;
  }

  get protocol(): string | undefined {
    return this.request.protocol;
  }

  get requestId(): string | undefined {
    return this.request.requestId;
  }

  get error(): BerthError | undefined {
    return this.request.error;
  }
}

class TracedExchange extends CancellableExchange {
  private bytesIn = 0;
  private bytesOut = 0;
  private status: number | undefined;

  constructor(
    sink: DispatchSink,
    local: LocalService,
    private readonly request: ExchangeRequest,
    private readonly span: TracedSpan,
  ) {
    super(sink, local);
  }

  override opened(exchange: OpenedExchange): void {
    const connection = { 'berth.connection': exchange.connection.id };
    this.span.event(this.hasOpened ? 'retry' : 'sent', connection);
    super.opened(exchange);
  }

  override head(head: ResponseHead): void {
    this.status = head.status;
    this.span.event('head');
    this.sink.head(head);
  }

  override data(bytes: Buffer): void {
    this.bytesOut += bytes.length;
    this.sink.data(bytes);
  }

  override sendData(bytes: Buffer): boolean {
    this.bytesIn += bytes.length;
    return this.next.sendData(bytes);
  }

  protected override over(): void {
    const { error, requestId } = this.request;
    const status = this.status ?? (this.request.openHead.kind === ExchangeKind.tcp ? undefined : error?.httpStatus);
    this.span.set({
      'http.request.body.size': this.bytesIn,
      'http.response.body.size': this.bytesOut,
      ...(status !== undefined && { 'http.response.status_code': status }),
      ...(requestId !== undefined && { 'berth.request_id': requestId }),
      ...(error !== undefined && { 'berth.error': error.code }),
    });
    this.span.end(faultOf(status, error, this.status !== undefined));
  }

  protected override cutOff(reason: Reason): void {
    this.span.event('cut_off', { 'berth.reason': reason });
  }
}

/** What a server is to blame for: answers with 5xx, and those that broke off. A 4xx is the client's own (semantic conventions). */
function faultOf(status: number | undefined, error: BerthError | undefined, begun: boolean): string | undefined {
  if (error !== undefined) return begun || error.httpStatus >= 500 ? error.code : undefined;
  return status !== undefined && status >= 500 ? String(status) : undefined;
}
