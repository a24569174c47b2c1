import type { FlatHeaders } from '@berth/exchange';
import { PROTOCOL_VERSION, type ProxyHello } from '../../capabilities.js';
import { type BodyChunkEvent, CANCEL_REASONS, type RequestMetadata } from '../../events.js';
import type { ProxyMessage } from '../../link.js';
import { bytesOf, count, type Fields, flag, inner, inners, optionalCount, optionalText, text } from '../fields.js';
import { type HandshakeRequest, readRequest } from '../handshake.js';
import { FRAME_TYPES, GUARDRAIL_CONTENTS, numberOf, SHUTDOWN_REASONS, wordOf } from '../numbers.js';
import { decodeProxyToAgent, encodeProxyToAgent } from './schema.js';

export function encodeHello(hello: ProxyHello): Buffer {
  return encodeProxyToAgent({
    handshake: {
      supported_versions: [PROTOCOL_VERSION],
      proxy_id: hello.proxyId,
      proxy_version: hello.proxyVersion,
      config_json: hello.configJson,
    },
  });
}

export function encodeToAgent(message: ProxyMessage): Buffer {
  return encodeProxyToAgent(write(message));
}

function write(message: ProxyMessage): Fields {
  switch (message.kind) {
    case 'requestHeaders':
      return {
        request_headers: {
          metadata: writeMetadata(message.metadata),
          method: message.method,
          uri: message.uri,
          http_version: message.httpVersion,
          headers: writeHeaders(message.headers),
        },
      };
    case 'responseHeaders':
      return {
        response_headers: {
          correlation_id: message.correlationId,
          status_code: message.status,
          headers: writeHeaders(message.headers),
        },
      };
    case 'requestBody':
      return { request_body_chunk: writeChunk(message) };
    case 'responseBody':
      return { response_body_chunk: writeChunk(message) };
    case 'webSocketFrame':
      return {
        websocket_frame: {
          correlation_id: message.correlationId,
          client_to_server: message.clientToServer,
          frame_type: numberOf(FRAME_TYPES, message.frameType),
          payload: message.payload,
          frame_index: message.frameIndex,
          client_ip: message.clientIp,
        },
      };
    case 'guardrail':
      return {
        guardrail: {
          correlation_id: message.correlationId,
          content: message.content,
          content_type: numberOf(GUARDRAIL_CONTENTS, message.contentType),
          model: message.model,
          context_json: message.contextJson,
        },
      };
    case 'requestComplete':
      return {
        request_complete: {
          correlation_id: message.correlationId,
          status_code: message.status,
          duration_ms: message.durationMs,
          bytes_received: message.bytesReceived,
          bytes_sent: message.bytesSent,
          upstream: message.upstream,
          error: message.error,
        },
      };
    case 'cancel':
      return {
        cancel: {
          correlation_id: message.correlationId,
          reason: numberOf(CANCEL_REASONS, message.reason),
          timestamp_ms: message.timestampMs,
          blocking_agent_id: message.blockingAgentId,
        },
      };
    case 'configure':
      return {
        configure: {
          config_json: message.configJson,
          config_version: message.version,
          is_initial: message.isInitial,
          timestamp_ms: message.timestampMs,
          correlation_id: message.correlationId,
        },
      };
    case 'ping':
      return { ping: { sequence: message.sequence, timestamp_ms: message.timestampMs } };
    case 'configUpdateReply':
      return {
        config_response: {
          request_id: message.requestId,
          accepted: message.accepted,
          error: message.error,
          timestamp_ms: message.timestampMs,
        },
      };
    case 'shutdown':
      return {
        shutdown: {
          reason: numberOf(SHUTDOWN_REASONS, message.reason),
          grace_period_ms: message.gracePeriodMs,
          timestamp_ms: message.timestampMs,
        },
      };
  }
}

function writeMetadata(of: RequestMetadata): Fields {
  return {
    correlation_id: of.correlationId,
    request_id: of.requestId,
    client_ip: of.clientIp,
    client_port: of.clientPort,
    server_name: of.serverName,
    protocol: of.protocol,
    tls_version: of.tlsVersion,
    route_id: of.routeId,
    upstream_id: of.upstreamId,
    timestamp_ms: of.timestampMs,
    traceparent: of.traceparent,
  };
}

function writeHeaders(headers: FlatHeaders): Fields[] {
  const list: Fields[] = [];
  for (let i = 0; i < headers.length; i += 2) list.push({ name: headers[i], value: headers[i + 1] });
  return list;
}

function writeChunk(of: BodyChunkEvent): Fields {
  return {
    correlation_id: of.correlationId,
    chunk_index: of.chunkIndex,
    data: of.data,
    is_last: of.isLast,
    total_size: of.totalSize,
    bytes_transferred: of.bytesTransferred,
    proxy_buffer_available: of.bufferAvailable,
    timestamp_ms: of.timestampMs,
  };
}

/**
 * @returns undefined for a message that nobody knows, or none
 * @throws BerthError `BERTH_PROTOCOL_ERROR`
 */
export function decodeToAgent(bytes: Buffer): ProxyMessage | HandshakeRequest | undefined {
  return decodeProxyToAgent(bytes, read);
}

function read(kind: string | undefined, from: Fields): ProxyMessage | HandshakeRequest | undefined {
  switch (kind) {
    case 'handshake':
      return readRequest(from, text(from, 'config_json'));
    case 'request_headers':
      return {
        kind: 'requestHeaders',
        metadata: readMetadata(inner(from, 'metadata') ?? {}),
        method: text(from, 'method'),
        uri: text(from, 'uri'),
        httpVersion: text(from, 'http_version'),
        headers: readHeaders(from),
      };
    case 'response_headers':
      return {
        kind: 'responseHeaders',
        correlationId: text(from, 'correlation_id'),
        status: count(from, 'status_code'),
        headers: readHeaders(from),
      };
    case 'request_body_chunk':
      return readChunk('requestBody', from);
    case 'response_body_chunk':
      return readChunk('responseBody', from);
    case 'websocket_frame':
      return {
        kind: 'webSocketFrame',
        correlationId: text(from, 'correlation_id'),
        clientToServer: flag(from, 'client_to_server'),
        frameType: wordOf(FRAME_TYPES, count(from, 'frame_type'), 'type of a frame'),
        payload: bytesOf(from, 'payload'),
        frameIndex: count(from, 'frame_index'),
        clientIp: text(from, 'client_ip'),
      };
    case 'guardrail':
      return {
        kind: 'guardrail',
        correlationId: text(from, 'correlation_id'),
        content: text(from, 'content'),
        contentType: wordOf(GUARDRAIL_CONTENTS, count(from, 'content_type'), 'type of content'),
        model: optionalText(from, 'model'),
        contextJson: text(from, 'context_json'),
      };
    case 'request_complete':
      return {
        kind: 'requestComplete',
        correlationId: text(from, 'correlation_id'),
        status: count(from, 'status_code'),
        durationMs: count(from, 'duration_ms'),
        bytesReceived: count(from, 'bytes_received'),
        bytesSent: count(from, 'bytes_sent'),
        upstream: optionalText(from, 'upstream'),
        error: optionalText(from, 'error'),
      };
    default:
      return readControl(kind, from);
  }
}

function readControl(kind: string | undefined, from: Fields): ProxyMessage | undefined {
  const timestampMs = count(from, 'timestamp_ms');
  switch (kind) {
    case 'cancel':
      return {
        kind: 'cancel',
        correlationId: text(from, 'correlation_id'),
        reason: wordOf(CANCEL_REASONS, count(from, 'reason'), 'reason of a cancel'),
        timestampMs,
        blockingAgentId: optionalText(from, 'blocking_agent_id'),
      };
    case 'configure':
      return {
        kind: 'configure',
        configJson: text(from, 'config_json'),
        version: optionalText(from, 'config_version'),
        isInitial: flag(from, 'is_initial'),
        timestampMs,
        correlationId: optionalText(from, 'correlation_id'),
      };
    case 'ping':
      return { kind: 'ping', sequence: count(from, 'sequence'), timestampMs };
    case 'config_response':
      return {
        kind: 'configUpdateReply',
        requestId: text(from, 'request_id'),
        accepted: flag(from, 'accepted'),
        error: optionalText(from, 'error'),
        timestampMs,
      };
    case 'shutdown':
      return {
        kind: 'shutdown',
        reason: wordOf(SHUTDOWN_REASONS, count(from, 'reason'), 'reason of a shutdown'),
        gracePeriodMs: count(from, 'grace_period_ms'),
        timestampMs,
      };
    default:
      return undefined;
  }
}

function readMetadata(from: Fields): RequestMetadata {
  return {
    correlationId: text(from, 'correlation_id'),
    requestId: text(from, 'request_id'),
    clientIp: text(from, 'client_ip'),
    clientPort: count(from, 'client_port'),
    serverName: optionalText(from, 'server_name'),
    protocol: text(from, 'protocol'),
    tlsVersion: optionalText(from, 'tls_version'),
    routeId: optionalText(from, 'route_id'),
    upstreamId: optionalText(from, 'upstream_id'),
    timestampMs: count(from, 'timestamp_ms'),
    traceparent: optionalText(from, 'traceparent'),
  };
}

function readHeaders(from: Fields): FlatHeaders {
  return inners(from, 'headers').flatMap((header) => [text(header, 'name'), text(header, 'value')]);
}

function readChunk(kind: BodyChunkEvent['kind'], from: Fields): BodyChunkEvent {
  return {
    kind,
    correlationId: text(from, 'correlation_id'),
    chunkIndex: count(from, 'chunk_index'),
    data: bytesOf(from, 'data'),
    isLast: flag(from, 'is_last'),
    totalSize: optionalCount(from, 'total_size'),
    bytesTransferred: count(from, 'bytes_transferred'),
    bufferAvailable: count(from, 'proxy_buffer_available'),
    timestampMs: count(from, 'timestamp_ms'),
  };
}
