import {
  type DispatchSink,
  type ExchangeHandler,
  type ExchangeRequest,
  type OpenedExchange,
  ExchangeKind,
  type ResponseHead,
} from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import type { AccessEntry, AccessLog } from '../../access-log/index.js';
import type { LocalService } from '../../agents/index.js';
import { CancellableExchange, type Reason } from './cancellation.js';

/**
 * Tells the access log of each exchange when it is over. The outermost: it has
 * all that others add and refuse.
 *
 * @param clientOf whose request it is, where proxies are trusted
 * @returns undefined while there is no such log
 */
export function accessLog(
  service: LocalService,
  log: AccessLog,
  clientOf: (request: ExchangeRequest) => string = ({ clientAddress }) => clientAddress,
): ExchangeHandler | undefined {
  if (!log.enabled) return undefined;
  return (next) => (request, sink) => {
    next(request, new LoggedExchange(sink, service, log, request, clientOf(request)));
  };
}

class LoggedExchange extends CancellableExchange implements AccessEntry {
  readonly startedAt = Date.now();
  bytesIn = 0;
  headMs: number | undefined;
  waitMs: number | undefined;
  durationMs: number | undefined;
  retries = 0;
  cut: string | undefined;
  private headStatus: number | undefined;
  private received = 0;
  private taken = 0;
  private readonly beganAt = performance.now();

  constructor(
    sink: DispatchSink,
    local: LocalService,
    private readonly log: AccessLog,
    private readonly request: ExchangeRequest,
    readonly client: string,
  ) {
    super(sink, local);
  }

  // --- what passes ---------------------------------------------------------------

  override opened(exchange: OpenedExchange): void {
    if (this.waitMs === undefined) this.waitMs = performance.now() - this.beganAt;
    else this.retries += 1;
    super.opened(exchange);
  }

  override head(head: ResponseHead): void {
    this.headStatus = head.status;
    this.headMs = performance.now() - this.beganAt;
    this.sink.head(head);
  }

  override data(bytes: Buffer): void {
    this.received += bytes.length;
    this.sink.data(bytes);
  }

  override sendData(bytes: Buffer): boolean {
    this.bytesIn += bytes.length;
    return this.next.sendData(bytes);
  }

  override consumed(bytes: number): void {
    this.taken += bytes;
    this.next.consumed(bytes);
  }

  /** The first one is what it was cut off by. */
  protected override cutOff(reason: Reason): void {
    this.cut ??= reason;
  }

  protected override over(): void {
    this.durationMs = performance.now() - this.beganAt;
    // All had come of the agent, and the client left in the middle of it.
    if (this.hasOpened && this.taken < this.received) this.cut ??= this.local.ending ?? 'client_disconnect';
    this.log.write(this);
  }

  // --- what a line says -----------------------------------------------------------

  get agent(): string {
    return this.local.id;
  }

  get service(): string {
    return this.local.name;
  }

  get port(): number {
    return this.local.port;
  }

  get method(): string {
    return this.request.openHead.method;
  }

  get target(): string {
    return this.request.openHead.target;
  }

  get protocol(): string {
    return this.request.protocol ?? (this.request.openHead.kind === ExchangeKind.tcp ? 'tcp' : 'HTTP/1.1');
  }

  get status(): number | undefined {
    return this.headStatus ?? (this.method === '' ? undefined : this.request.error?.httpStatus);
  }

  get bytesOut(): number {
    return this.hasOpened ? this.taken : this.received;
  }

  get requestId(): string | undefined {
    return this.request.requestId;
  }

  get error(): string | undefined {
    return this.request.error?.code;
  }

  get traceId(): string | undefined {
    return this.request.traceId;
  }

  header(name: string): string | undefined {
    return headerValue(this.request.openHead.headers, name);
  }
}
