export { AGENT_ID_RULE, DEFAULT_SERVICE, isAgentId, isServiceName, SERVICE_NAME_RULE } from './agent-id.js';
export { answer } from './answer.js';
export { Backlog, type Corkable, passesBy } from './backlog.js';
export { BytePipe } from './byte-pipe.js';
export { ByteQueue, JOIN_BELOW_BYTES } from './byte-queue.js';
export { collectDeadBuffers, countBulk } from './dead-buffers.js';
export { ExchangeDecorator, SinkDecorator } from './decorators.js';
export {
  type PeerSocket,
  composeHandlers,
  type Dispatch,
  type DispatchSink,
  type ExchangeHandler,
  type ExchangeRequest,
  type Waiting,
  withHeaders,
} from './dispatch.js';
export type { Carrier, Exchange, IncomingExchange, OpenedExchange } from './exchange.js';
export { type FailureReason, failureReasonOf } from './failure-reason.js';
export type { FlatHeaders } from './flat-headers.js';
export {
  describeHead,
  ExchangeKind,
  type ExchangeKindName,
  exchangeKindName,
  type InterimHead,
  type OpenHead,
  ResetCode,
  type ResponseHead,
} from './heads.js';
export { checkIdPattern, checkPatternWords, IdPatterns } from './id-patterns.js';
export { IncomingDecorator } from './incoming-decorator.js';
export { LastingExchange } from './lasting-exchange.js';
export { PacedWriter } from './paced-writer.js';
export { requestIdOf } from './request-id.js';
export { giveBuffer, takeBuffer } from './spare-buffers.js';
export { type BodySink, type ExchangeFailure, NO_SINK, type ResponseSink } from './sinks.js';
