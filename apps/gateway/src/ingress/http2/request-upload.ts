import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { FlatHeaders, OpenedExchange } from '@berth/exchange';
import { relayTrailers } from '@berth/http-rules';
import { withoutSubject } from '../../certificates/index.js';
import type { BodyTraffic } from './traffic-count.js';

const UPLOAD = Symbol('upload');
type UploadingStream = ServerHttp2Stream & { [UPLOAD]?: Http2Upload };

/** The body of one request on its way into its exchange, at the pace of whoever takes it. */
export class Http2Upload {
  private isRead = false;
  private exchange: OpenedExchange | undefined;
  private trailers: FlatHeaders | undefined;

  /** Keeps trailers, which may come before there is an exchange. */
  constructor(
    private readonly stream: UploadingStream,
    private readonly traffic: BodyTraffic,
  ) {
    stream[UPLOAD] = this;
    stream.once('trailers', onTrailers);
  }

  begin(exchange: OpenedExchange): void {
    this.exchange = exchange;
    this.read();
  }

  /** Nobody takes it, or what is left of it: it is read to nowhere. */
  drop(): void {
    this.exchange = undefined;
    this.read();
    this.stream.resume();
  }

  private read(): void {
    if (this.isRead) return;
    this.isRead = true;
    this.stream.on('data', onData);
    this.stream.on('end', onEnd);
  }

  data(chunk: Buffer): void {
    const { exchange } = this;
    this.traffic.received(chunk.length);
    if (exchange?.closed === false && !exchange.sendData(chunk)) this.stream.pause();
  }

  end(): void {
    const { stream } = this;
    if (!stream.closed) this.exchange?.sendEnd(this.trailers);
    // Node ends the readable side of a stream that was reset, too.
    else if (stream.rstCode === constants.NGHTTP2_NO_ERROR) this.traffic.cutShort();
  }

  trailing(raw: FlatHeaders): void {
    this.trailers = withoutSubject(relayTrailers(raw));
  }
}

// Shared listeners: closures per request would be allocations each.

function onData(this: UploadingStream, chunk: Buffer): void {
  this[UPLOAD]?.data(chunk);
}

function onEnd(this: UploadingStream): void {
  this[UPLOAD]?.end();
}

/** Node gives the list as received behind what its types know of. */
function onTrailers(this: UploadingStream, _headers: IncomingHttpHeaders, _flags: number, raw?: string[]): void {
  if (raw !== undefined) this[UPLOAD]?.trailing(raw);
}
