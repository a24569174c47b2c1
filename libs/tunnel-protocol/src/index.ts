export { ReceiveWindow, type WindowSettings } from './credit-window.js';
export type { IncomingTunnelExchange } from './exchange.js';
export * from './frames.js';
export {
  clientTransport,
  ERROR_CODE_METADATA,
  FINAL_STATUSES,
  MAX_GRPC_MESSAGE_BYTES,
  passBuffer,
  receiveFromClient,
  receiveFromServer,
  serverTransport,
  TUNNEL_METHOD_PATH,
} from './grpc-transport.js';
export type { LivenessSettings } from './liveness.js';
export { type BatchTransport, SESSION_DEFAULTS, type SessionEvents, type SessionOptions } from './session-types.js';
export { type Establishment, TunnelSession } from './tunnel-session.js';
export { Upkeep } from './upkeep.js';
export { WindowBudget, type WindowShare } from './window-budget.js';
