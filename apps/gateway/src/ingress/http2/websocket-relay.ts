import { randomBytes } from 'node:crypto';
import { constants, type ServerHttp2Stream } from 'node:http2';
import { BytePipe, ExchangeKind, type FlatHeaders, type OpenHead, ResetCode, type ResponseHead } from '@berth/exchange';
import { headerValue, relayResponseHead, removeHeader, upgradeProtocols, webSocketAccept } from '@berth/http-rules';
import type { IngressContext } from '../http/ingress-context.js';
import { checkFields, Http2AnswerWriter } from './answer-writer.js';
import { StreamRelay } from './stream-relay.js';
import type { BodyTraffic } from './traffic-count.js';

const NOTHING = Buffer.alloc(0);

/** Headers of the handshake over HTTP/1.1, which HTTP/2 does without (RFC 8441 section 5). */
const HANDSHAKE = ['sec-websocket-key', 'sec-websocket-accept', 'connection', 'upgrade'];

/** The upgrade that asks a service of HTTP/1.1 for what an extended CONNECT asks for. */
export function asUpgrade(head: OpenHead): OpenHead {
  const headers = withoutHandshake(head.headers);
  const key = randomBytes(16).toString('base64');
  headers.push('Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Key', key);
  return { ...head, kind: ExchangeKind.upgrade, method: 'GET', headers, body: true };
}

/**
 * A WebSocket on a stream (RFC 8441): an upgrade for the local service, whose 101 is a 200 here. From
 * then on a byte pipe, with two halves that end on their own.
 */
export class WebSocketRelay extends StreamRelay {
  private answer: Http2AnswerWriter | undefined;

  /** as {@link StreamRelay} has them */
  constructor(
    context: IngressContext,
    stream: ServerHttp2Stream,
    openHead: OpenHead,
    clientAddress: string,
    traffic: BodyTraffic,
  ) {
    super(context, stream, openHead, clientAddress, traffic);
    // Before Node ends the readable side, which alone would look like an end in order.
    stream.once('aborted', () => {
      this.exchange?.reset(ResetCode.cancelled, 'the client broke the stream off');
    });
  }

  /** Interim answers to an upgrade have no use for a client. */
  informational(): void {
    // Nothing to relay.
  }

  head(head: ResponseHead): void {
    if (head.status !== 101) {
      const answer = new Http2AnswerWriter(this.stream, this.openHead.method, this);
      if (answer.head(head)) this.answer = answer;
    } else if (this.isAccepted(head.headers)) this.startPipe(head);
    else this.giveUp('the response cannot be relayed', 'it switches to another protocol, or without the right accept');
  }

  data(bytes: Buffer): void {
    this.traffic.sent(bytes.length);
    (this.pipe ?? this.answer)?.data(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    if (this.pipe !== undefined) this.pipe.end();
    else this.answer?.end(trailers);
  }

  writable(): void {
    this.pipe?.writable();
  }

  streamClosed(): void {
    const { exchange, pipe, stream } = this;
    this.wait?.cancel();
    if (exchange === undefined) return;
    exchange.discard();
    const inOrder = !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR;
    // What the client sent last may still be on its way, within the idle timeout.
    if (!inOrder || pipe?.ended !== true) exchange.reset(ResetCode.cancelled, 'the client left');
  }

  private isAccepted(headers: FlatHeaders): boolean {
    const key = headerValue(this.openHead.headers, 'sec-websocket-key') ?? '';
    return (
      upgradeProtocols(headers).join() === 'websocket' &&
      headerValue(headers, 'sec-websocket-accept')?.trim() === webSocketAccept(key)
    );
  }

  private startPipe(head: ResponseHead): void {
    const { exchange, stream } = this;
    if (exchange === undefined || stream.closed) return;
    try {
      const headers = withoutHandshake(relayResponseHead(head.status, head.headers, false).headers);
      checkFields(headers);
      stream.respond([':status', '200', ...headers]);
    } catch (thrown) {
      this.unsendable(thrown);
      return;
    }
    stream.on('data', (bytes: Buffer) => {
      this.traffic.received(bytes.length);
    });
    this.pipe = new BytePipe(stream, exchange);
    this.pipe.begin(NOTHING);
  }
}

function withoutHandshake(headers: FlatHeaders): FlatHeaders {
  const kept = [...headers];
  for (const name of HANDSHAKE) removeHeader(kept, name);
  return kept;
}
