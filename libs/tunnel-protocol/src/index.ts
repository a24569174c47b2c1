export type { WindowSettings } from './credit-window.js';
export type { IncomingTunnelExchange, OpenedTunnelExchange } from './exchange.js';
export {
  AGENT_FEATURES,
  type ConfigAck,
  type ConfigPush,
  CREDIT_RETURN_FEATURE,
  type Goaway,
  GoawayReason,
  goawayReasonName,
  type Health,
  HealthCode,
  type Hello,
  type Histogram,
  MAX_BATCH_BYTES,
  type LocalServiceOffer,
  MAX_HEAD_BYTES,
  MAX_SERVICES,
  type MetricsReport,
  PROTOCOL_VERSION,
  type Refused,
  type ServiceList,
  type ServiceListReply,
  type ServicePort,
  type Welcome,
} from './frames.js';
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
export { type BatchTransport, SESSION_DEFAULTS, type SessionEvents } from './session-types.js';
export { TunnelSession } from './tunnel-session.js';
export { Upkeep } from './upkeep.js';
export { WindowBudget } from './window-budget.js';
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
