export { Backlog, passesBy } from './backlog.js';
export { ByteQueue, JOIN_BELOW_BYTES } from './byte-queue.js';
export { ReceiveWindow, type WindowSettings } from './credit-window.js';
export { Exchange, type ExchangeFailure, type ExchangeSink, SEND_HIGH_WATER_BYTES } from './exchange.js';
export * from './frames.js';
export {
  clientTransport,
  ERROR_CODE_METADATA,
  FINAL_STATUSES,
  MAX_GRPC_MESSAGE_BYTES,
  passBuffer,
  serverTransport,
  TUNNEL_METHOD_PATH,
} from './grpc-transport.js';
export { Liveness, type LivenessSettings } from './liveness.js';
export { requestIdOf } from './request-id.js';
export { type BatchTransport, SESSION_DEFAULTS, type SessionEvents, type SessionOptions } from './session-types.js';
export { type Establishment, TunnelSession } from './tunnel-session.js';
export { WindowBudget, type WindowShare } from './window-budget.js';
