import type { IncomingMessage } from 'node:http';
import { relayTrailers } from '@berth/http-rules';
import type { OpenedExchange } from '@berth/exchange';
import { withoutSubject } from '../../certificates/index.js';

const UPLOAD = Symbol('upload');
type UploadingRequest = IncomingMessage & { [UPLOAD]?: RequestUpload };

/** The body of one request on its way into its exchange, at the pace of whoever takes it. */
export class RequestUpload {
  /** all of it has come */
  ended = false;

  constructor(
    private readonly request: UploadingRequest,
    private readonly exchange: OpenedExchange,
  ) {
    request[UPLOAD] = this;
    request.on('data', onData);
    request.on('end', onEnd);
  }

  data(chunk: Buffer): void {
    if (!this.exchange.closed && !this.exchange.sendData(chunk)) this.request.pause();
  }

  end(): void {
    this.ended = true;
    const { rawTrailers } = this.request;
    this.exchange.sendEnd(rawTrailers.length > 0 ? withoutSubject(relayTrailers(rawTrailers)) : undefined);
  }
}

// Shared listeners: closures per request would be allocations each.

function onData(this: UploadingRequest, chunk: Buffer): void {
  this[UPLOAD]?.data(chunk);
}

function onEnd(this: UploadingRequest): void {
  this[UPLOAD]?.end();
}
