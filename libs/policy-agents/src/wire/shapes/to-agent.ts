import { type BodyChunkEvent, CANCEL_REASONS, type GuardrailContent } from '../../events.js';
import type { ProxyMessage } from '../../link.js';
import { count, type Fields, flag, optionalCount, optionalText, text, textMap } from '../fields.js';
import { FRAME_TYPES, GUARDRAIL_CONTENTS, numberOf, wordOf } from '../numbers.js';
import { type Dialect, readBytes, writeBytes } from './dialect.js';
import { FrameType } from './frame-types.js';
import { readHeaders, writeHeaders } from './headers.js';
import { readMetadata, writeMetadata } from './metadata.js';

/** Type and payload of the frame for a message; undefined for one that these framings cannot say. */
export function shapeForAgent(message: ProxyMessage, dialect: Dialect): [FrameType, Fields] | undefined {
  switch (message.kind) {
    case 'requestHeaders':
      return [
        FrameType.requestHeaders,
        {
          correlation_id: message.metadata.correlationId,
          metadata: writeMetadata(message.metadata),
          method: message.method,
          uri: message.uri,
          http_version: message.httpVersion,
          headers: writeHeaders(message.headers, dialect),
        },
      ];
    case 'responseHeaders':
      return [
        FrameType.responseHeaders,
        {
          correlation_id: message.correlationId,
          status: message.status,
          headers: writeHeaders(message.headers, dialect),
        },
      ];
    case 'requestBody':
      return [FrameType.requestBody, { ...writeChunk(message, dialect), bytes_received: message.bytesTransferred }];
    case 'responseBody':
      return [FrameType.responseBody, { ...writeChunk(message, dialect), bytes_sent: message.bytesTransferred }];
    case 'webSocketFrame':
      return [
        FrameType.webSocketFrame,
        {
          correlation_id: message.correlationId,
          opcode: message.frameType,
          data: writeBytes(message.payload, dialect),
          client_to_server: message.clientToServer,
          frame_index: message.frameIndex,
          fin: true,
          route_id: null,
          client_ip: message.clientIp,
        },
      ];
    case 'guardrail':
      return [
        FrameType.guardrail,
        {
          correlation_id: message.correlationId,
          inspection_type: FROM_OUTSIDE.has(message.contentType) ? 'prompt_injection' : 'pii_detection',
          content: message.content,
          model: message.model,
          categories: [],
          metadata: { content_type: CONTENT_WORDS[message.contentType], context_json: message.contextJson },
        },
      ];
    case 'requestComplete':
      return [
        FrameType.requestComplete,
        {
          correlation_id: message.correlationId,
          status: message.status,
          duration_ms: message.durationMs,
          request_body_size: message.bytesReceived,
          response_body_size: message.bytesSent,
          upstream_attempts: 1,
          upstream: message.upstream,
          error: message.error ?? null,
        },
      ];
    default:
      return shapeControl(message, dialect);
  }
}

type ControlMessage = Extract<
  ProxyMessage,
  { kind: 'cancel' | 'configure' | 'ping' | 'configUpdateReply' | 'shutdown' }
>;

function shapeControl(message: ControlMessage, dialect: Dialect): [FrameType, Fields] | undefined {
  switch (message.kind) {
    case 'cancel':
      return [
        FrameType.cancel,
        {
          correlation_id: message.correlationId,
          reason: numberOf(CANCEL_REASONS, message.reason, 0),
          timestamp_ms: message.timestampMs,
          blocking_agent_id: message.blockingAgentId,
        },
      ];
    case 'configure':
      return [
        FrameType.configure,
        {
          correlation_id: message.correlationId ?? '',
          config: parsed(message.configJson),
          config_version: message.version ?? null,
          is_initial: message.isInitial,
          timestamp_ms: message.timestampMs,
        },
      ];
    case 'ping':
      return [FrameType.ping, { sequence: message.sequence, timestamp_ms: message.timestampMs }];
    case 'configUpdateReply':
      return dialect.isBerth
        ? [
            FrameType.configUpdate,
            {
              request_id: message.requestId,
              accepted: message.accepted,
              error: message.error ?? null,
              timestamp_ms: message.timestampMs,
            },
          ]
        : undefined;
    case 'shutdown':
      return undefined;
  }
}

/** A text that is no JSON goes as the text that it is. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return json;
  }
}

function writeChunk(of: BodyChunkEvent, dialect: Dialect): Fields {
  return {
    correlation_id: of.correlationId,
    data: writeBytes(of.data, dialect),
    is_last: of.isLast,
    total_size: of.totalSize ?? null,
    chunk_index: of.chunkIndex,
    buffer_available: of.bufferAvailable,
    timestamp_ms: of.timestampMs,
  };
}

/** What comes from the client's side, and is looked at for what it wants of the model. */
const FROM_OUTSIDE: ReadonlySet<GuardrailContent> = new Set(['prompt', 'system', 'toolResult']);

const CONTENT_WORDS: Record<GuardrailContent, string> = {
  prompt: 'prompt',
  response: 'response',
  system: 'system',
  toolCall: 'tool_call',
  toolResult: 'tool_result',
};

/**
 * @returns undefined when frames of this type do not go to agents
 * @throws Error when it is no such message
 */
export function readForAgent(type: FrameType, from: Fields): ProxyMessage | undefined {
  const correlationId = type === FrameType.requestHeaders ? '' : text(from, 'correlation_id');
  switch (type) {
    case FrameType.requestHeaders: {
      const metadata = readMetadata(from);
      return {
        kind: 'requestHeaders',
        metadata,
        method: text(from, 'method'),
        uri: text(from, 'uri'),
        httpVersion: optionalText(from, 'http_version') ?? metadata.protocol,
        headers: readHeaders(from),
      };
    }
    case FrameType.responseHeaders:
      return { kind: 'responseHeaders', correlationId, status: count(from, 'status'), headers: readHeaders(from) };
    case FrameType.requestBody:
      return readChunk('requestBody', correlationId, from, 'bytes_received');
    case FrameType.responseBody:
      return readChunk('responseBody', correlationId, from, 'bytes_sent');
    case FrameType.webSocketFrame:
      return {
        kind: 'webSocketFrame',
        correlationId,
        clientToServer: flag(from, 'client_to_server'),
        frameType: readOpcode(text(from, 'opcode')),
        payload: readBytes(from, 'data'),
        frameIndex: count(from, 'frame_index'),
        clientIp: text(from, 'client_ip'),
      };
    case FrameType.guardrail:
      return {
        kind: 'guardrail',
        correlationId,
        content: text(from, 'content'),
        ...readContentType(from),
        model: optionalText(from, 'model'),
      };
    case FrameType.requestComplete:
      return {
        kind: 'requestComplete',
        correlationId,
        status: count(from, 'status'),
        durationMs: count(from, 'duration_ms'),
        bytesReceived: count(from, 'request_body_size'),
        bytesSent: count(from, 'response_body_size'),
        upstream: optionalText(from, 'upstream'),
        error: optionalText(from, 'error'),
      };
    default:
      return readControl(type, correlationId, from);
  }
}

function readControl(type: FrameType, correlationId: string, from: Fields): ProxyMessage | undefined {
  const timestampMs = count(from, 'timestamp_ms');
  switch (type) {
    case FrameType.cancel:
      return {
        kind: 'cancel',
        correlationId,
        reason: wordOf(CANCEL_REASONS, count(from, 'reason'), 'reason of a cancel', 0),
        timestampMs,
        blockingAgentId: optionalText(from, 'blocking_agent_id'),
      };
    case FrameType.configure:
      return {
        kind: 'configure',
        configJson: JSON.stringify(from['config'] ?? null),
        version: optionalText(from, 'config_version'),
        isInitial: flag(from, 'is_initial'),
        timestampMs,
        correlationId,
      };
    case FrameType.ping:
      return { kind: 'ping', sequence: count(from, 'sequence'), timestampMs };
    case FrameType.configUpdate:
      return {
        kind: 'configUpdateReply',
        requestId: text(from, 'request_id'),
        accepted: flag(from, 'accepted'),
        error: optionalText(from, 'error'),
        timestampMs,
      };
    default:
      return undefined;
  }
}

function readChunk(
  kind: BodyChunkEvent['kind'],
  correlationId: string,
  from: Fields,
  transferred: string,
): BodyChunkEvent {
  return {
    kind,
    correlationId,
    chunkIndex: count(from, 'chunk_index'),
    data: readBytes(from, 'data'),
    isLast: flag(from, 'is_last'),
    totalSize: optionalCount(from, 'total_size'),
    bytesTransferred: count(from, transferred),
    bufferAvailable: count(from, 'buffer_available'),
    timestampMs: count(from, 'timestamp_ms'),
  };
}

/** Parts of a message are shown one by one by others: they count as text. */
function readOpcode(opcode: string): (typeof FRAME_TYPES)[number] {
  if (opcode === 'continuation') return 'text';
  return wordOf(FRAME_TYPES, FRAME_TYPES.indexOf(opcode as never), `opcode ${JSON.stringify(opcode.slice(0, 20))}`, 0);
}

function readContentType(from: Fields): { contentType: GuardrailContent; contextJson: string } {
  const metadata = textMap(from, 'metadata');
  const said = GUARDRAIL_CONTENTS.find((content) => CONTENT_WORDS[content] === metadata['content_type']);
  const guessed = text(from, 'inspection_type') === 'pii_detection' ? 'response' : 'prompt';
  return { contentType: said ?? guessed, contextJson: metadata['context_json'] ?? JSON.stringify(metadata) };
}
