export { ReceiveWindow, type WindowSettings } from './credit-window.js';
export type { IncomingTunnelExchange } from './exchange.js';
export * from './frames.js';
export {
  clientTransport,
  ERROR_CODE_METADATA,
  FINAL_STATUSES,
  MAX_GRPC_MESSAGE_BYTES,
  type MessageTaker,
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
export { ByteBudget } from './silo/byte-budget.js';
export { type GatedReading, gateReading } from './silo/gated-reading.js';
export {
  decodeProxyMessage,
  encodeProxyHead,
  joinPayload,
  MAX_SILO_MESSAGE_BYTES,
  metadataValue,
  PAYLOAD_KEY_BYTES,
  type ProxyMessage,
  ProxyType,
  SILO_METHOD_PATH,
} from './silo/proxy-message.js';
export {
  readSiloRequest,
  readSiloResponse,
  type SiloRequest,
  siloRequest,
  type SiloResponse,
  siloResponse,
} from './silo/silo-heads.js';
