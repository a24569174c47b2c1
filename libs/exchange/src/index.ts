export { Backlog, passesBy } from './backlog.js';
export { ByteQueue, JOIN_BELOW_BYTES } from './byte-queue.js';
export type { Carrier, Exchange, IncomingExchange, OpenedExchange } from './exchange.js';
export type { FlatHeaders } from './flat-headers.js';
export { ExchangeKind, type InterimHead, type OpenHead, ResetCode, type ResponseHead } from './heads.js';
export { requestIdOf } from './request-id.js';
export type { BodySink, ExchangeFailure, ResponseSink } from './sinks.js';
