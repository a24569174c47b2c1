import { GrpcStatus as Grpc } from './grpc-status.js';

/** What one error code means on each surface. */
export interface ErrorEntry {
  /** Status of an HTTP answer that carries the code. */
  readonly http: number;
  /** Status of a gRPC call that ends with the code. */
  readonly grpc: Grpc;
  /** Whether the same attempt may succeed later without a change by the caller. */
  readonly retryable: boolean;
}

const entry = (http: number, grpc: Grpc, retryable = false): ErrorEntry => ({ http, grpc, retryable });

/**
 * The one table of errors: code → HTTP status, gRPC status, retryable.
 * Codes are part of the API: they are added, never renamed.
 */
export const ERROR_TABLE = {
  // An exchange could not be relayed.
  BERTH_AGENT_UNAVAILABLE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_AGENT_BUSY: entry(503, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_LOCAL_SERVICE_BUSY: entry(503, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_TOO_MANY_CLIENTS: entry(503, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_CLIENT_LIMIT: entry(503, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_DRAINING: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_AGENT_LOST: entry(502, Grpc.UNAVAILABLE, true),
  BERTH_LOCAL_SERVICE_UNREACHABLE: entry(502, Grpc.UNAVAILABLE, true),
  BERTH_LOCAL_SERVICE_FAILED: entry(502, Grpc.UNAVAILABLE, true),
  BERTH_BAD_AGENT_RESPONSE: entry(502, Grpc.INTERNAL),
  BERTH_RESPONSE_TIMEOUT: entry(504, Grpc.DEADLINE_EXCEEDED, true),
  BERTH_UNSUPPORTED_EXCHANGE: entry(501, Grpc.UNIMPLEMENTED),

  // The client's request is at fault.
  BERTH_BAD_REQUEST: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_REQUEST_TIMEOUT: entry(408, Grpc.DEADLINE_EXCEEDED, true),
  BERTH_BODY_TOO_LARGE: entry(413, Grpc.RESOURCE_EXHAUSTED),
  BERTH_TARGET_TOO_LONG: entry(414, Grpc.INVALID_ARGUMENT),
  BERTH_HEADERS_TOO_LARGE: entry(431, Grpc.INVALID_ARGUMENT),
  BERTH_METHOD_NOT_ALLOWED: entry(405, Grpc.UNIMPLEMENTED),
  BERTH_NOT_FOUND: entry(404, Grpc.NOT_FOUND),
  BERTH_TOO_MANY_REQUESTS: entry(429, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_PROXY_HEADER: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_FORBIDDEN: entry(403, Grpc.PERMISSION_DENIED),
  BERTH_MAINTENANCE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_AUTH_UNAVAILABLE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_POLICY_UNAVAILABLE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_CROSS_SITE: entry(403, Grpc.PERMISSION_DENIED),
  BERTH_UNSUPPORTED_MEDIA_TYPE: entry(415, Grpc.INVALID_ARGUMENT),
  BERTH_HOST_NOT_ALLOWED: entry(421, Grpc.FAILED_PRECONDITION),

  // An agent's registration is refused.
  BERTH_INVALID_AGENT_ID: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_UNAUTHENTICATED: entry(401, Grpc.UNAUTHENTICATED),
  BERTH_CERTIFICATE_MISMATCH: entry(403, Grpc.PERMISSION_DENIED),
  BERTH_AGENT_EXISTS: entry(409, Grpc.ALREADY_EXISTS, true),
  BERTH_AGENT_NOT_ALLOWED: entry(403, Grpc.PERMISSION_DENIED),
  BERTH_TOO_MANY_AGENTS: entry(429, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_TOO_MANY_CONNECTIONS: entry(429, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_PORTS_EXHAUSTED: entry(503, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_PORT_NOT_REQUESTABLE: entry(403, Grpc.PERMISSION_DENIED),
  BERTH_PORT_TAKEN: entry(409, Grpc.ALREADY_EXISTS, true),
  BERTH_PORT_STATIC: entry(409, Grpc.FAILED_PRECONDITION),
  BERTH_PORT_OUT_OF_RANGE: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_SERVER_START_FAILED: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_HANDSHAKE_TIMEOUT: entry(408, Grpc.DEADLINE_EXCEEDED, true),
  BERTH_VERSION_UNSUPPORTED: entry(400, Grpc.FAILED_PRECONDITION),
  BERTH_PORT_KIND_UNSUPPORTED: entry(501, Grpc.UNIMPLEMENTED),

  // A configuration cannot be pushed to an agent.
  BERTH_CONFIG_PUSH_UNSUPPORTED: entry(409, Grpc.FAILED_PRECONDITION),
  BERTH_TOO_MANY_PUSHES: entry(429, Grpc.RESOURCE_EXHAUSTED, true),

  // A tunnel connection ended.
  BERTH_PROTOCOL_ERROR: entry(502, Grpc.INVALID_ARGUMENT),
  BERTH_CONNECTION_SILENT: entry(502, Grpc.UNAVAILABLE, true),
  BERTH_CONNECTION_CLOSED: entry(502, Grpc.UNAVAILABLE, true),
  BERTH_CONNECTION_REPLACED: entry(409, Grpc.ABORTED, true),
  BERTH_CONNECTION_DISCONNECTED: entry(503, Grpc.UNAVAILABLE, true),

  // A service could not be called, or its method failed (libs/services).
  BERTH_SERVICE_NOT_FOUND: entry(404, Grpc.NOT_FOUND),
  BERTH_SERVICE_METHOD_NOT_FOUND: entry(404, Grpc.UNIMPLEMENTED),
  BERTH_SERVICE_WRONG_ENTRY: entry(400, Grpc.FAILED_PRECONDITION),
  BERTH_SERVICE_BAD_OBJECT_ID: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_SERVICE_BAD_PAYLOAD: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_SERVICE_PAYLOAD_TOO_LARGE: entry(413, Grpc.RESOURCE_EXHAUSTED),
  BERTH_SERVICE_METHOD_FAILED: entry(500, Grpc.UNKNOWN),
  BERTH_SERVICE_REFUSED: entry(422, Grpc.FAILED_PRECONDITION),
  BERTH_SERVICE_BAD_RESULT: entry(500, Grpc.INTERNAL),
  BERTH_SERVICE_TIMEOUT: entry(504, Grpc.DEADLINE_EXCEEDED, true),
  BERTH_SERVICE_CANCELLED: entry(499, Grpc.CANCELLED),
  BERTH_SERVICE_BUSY: entry(503, Grpc.RESOURCE_EXHAUSTED, true),
  BERTH_SERVICE_NO_AGENT: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_SERVICE_STATE_CONFLICT: entry(409, Grpc.ABORTED, true),
  BERTH_SERVICE_CALL_CYCLE: entry(508, Grpc.FAILED_PRECONDITION),
  BERTH_SERVICE_STORE_UNAVAILABLE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_SERVICE_BUS_UNAVAILABLE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_SERVICE_UNREACHABLE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_SERVICE_OUTCOME_UNKNOWN: entry(502, Grpc.UNKNOWN),

  // A function server or an object agent could not be started or stopped (libs/services).
  BERTH_SERVICE_INVALID: entry(500, Grpc.FAILED_PRECONDITION),
  BERTH_FUNCTION_SERVER_RUNNING: entry(409, Grpc.ALREADY_EXISTS),
  BERTH_FUNCTION_SERVER_NOT_RUNNING: entry(409, Grpc.FAILED_PRECONDITION),
  BERTH_FUNCTION_SERVER_FAILED: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_OBJECT_AGENT_RUNNING: entry(409, Grpc.ALREADY_EXISTS),
  BERTH_OBJECT_AGENT_NOT_RUNNING: entry(404, Grpc.NOT_FOUND),
  BERTH_OBJECT_AGENT_FAILED: entry(503, Grpc.UNAVAILABLE, true),

  // The state cannot be opened, read or written (libs/state).
  BERTH_STATE_LOCKED: entry(503, Grpc.FAILED_PRECONDITION, true),
  BERTH_STATE_DAMAGED: entry(500, Grpc.INTERNAL),
  BERTH_STATE_UNUSABLE: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_STATE_CONFLICT: entry(409, Grpc.ABORTED, true),
  BERTH_STATE_INVALID: entry(500, Grpc.INTERNAL),

  // Servers of a pool, several at once (libs/http-server-pool).
  BERTH_SERVER_POOL_EMPTY_PARAMETER: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_SERVER_POOL_BAD_PATTERN: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_SERVER_POOL_ADD_FAILED: entry(409, Grpc.FAILED_PRECONDITION),
  BERTH_SERVER_POOL_VALIDATE_FAILED: entry(400, Grpc.INVALID_ARGUMENT),
  BERTH_SERVER_POOL_START_FAILED: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_SERVER_POOL_STOP_FAILED: entry(500, Grpc.INTERNAL, true),
  BERTH_SERVER_POOL_RESTART_FAILED: entry(503, Grpc.UNAVAILABLE, true),
  BERTH_SERVER_POOL_MONITOR_FAILED: entry(503, Grpc.UNAVAILABLE, true),

  // Start-up, and what nobody foresaw.
  BERTH_START_TIMEOUT: entry(504, Grpc.DEADLINE_EXCEEDED, true),
  BERTH_CONFIG_INVALID: entry(500, Grpc.FAILED_PRECONDITION),
  BERTH_RELOAD_REFUSED: entry(422, Grpc.FAILED_PRECONDITION),
  BERTH_SERVER_EXISTS: entry(409, Grpc.ALREADY_EXISTS),
  BERTH_SERVER_NOT_FOUND: entry(404, Grpc.NOT_FOUND),
  BERTH_INTERNAL: entry(500, Grpc.INTERNAL, true),
} as const satisfies Record<string, ErrorEntry>;

/** A stable error code, `BERTH_…`. */
export type ErrorCode = keyof typeof ERROR_TABLE;

/** Whether a string that came from outside is one of our codes. */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERROR_TABLE, value);
}
