import type { FlatHeaders } from '@berth/exchange';

/** What a policy agent may be shown; an agent sees those that it said it supports (checklist C15, C22). */
export const EVENT_KINDS = [
  'configure',
  'requestHeaders',
  'requestBody',
  'responseHeaders',
  'responseBody',
  'requestComplete',
  'webSocketFrame',
  'guardrail',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** Where a request came from. Times are ms since the epoch. */
export interface RequestMetadata {
  /** names the exchange in all that is said of it; unique at its connection while it lasts */
  readonly correlationId: string;
  /** of the gateway, before the exchange has the id that logs and answers give */
  readonly requestId: string;
  readonly clientIp: string;
  /** 0: not known, such as behind a proxy that says the client's address */
  readonly clientPort: number;
  readonly serverName?: string | undefined;
  /** such as HTTP/1.1 */
  readonly protocol: string;
  /** such as TLSv1.3; undefined: none, or not known */
  readonly tlsVersion?: string | undefined;
  /** agent and local service that the request is for */
  readonly routeId?: string | undefined;
  readonly upstreamId?: string | undefined;
  readonly timestampMs: number;
  /** W3C Trace Context */
  readonly traceparent?: string | undefined;
}

export interface RequestHeadersEvent {
  readonly kind: 'requestHeaders';
  readonly metadata: RequestMetadata;
  readonly method: string;
  /** request target, as received */
  readonly uri: string;
  /** such as HTTP/1.1 */
  readonly httpVersion: string;
  readonly headers: FlatHeaders;
}

export interface ResponseHeadersEvent {
  readonly kind: 'responseHeaders';
  readonly correlationId: string;
  readonly status: number;
  readonly headers: FlatHeaders;
}

export interface BodyChunkEvent {
  readonly kind: 'requestBody' | 'responseBody';
  readonly correlationId: string;
  /** counts from 0, in each direction */
  readonly chunkIndex: number;
  /** may be empty in the last one */
  readonly data: Buffer;
  readonly isLast: boolean;
  /** of the body, bytes; undefined: its head does not say */
  readonly totalSize?: number | undefined;
  /** of the body with this chunk, bytes */
  readonly bytesTransferred: number;
  /** bytes that may still be held for the agent */
  readonly bufferAvailable: number;
  readonly timestampMs: number;
}

/** RFC 6455, section 5.2; messages in parts and compressed ones are put together before they are shown. */
export type FrameType = 'text' | 'binary' | 'ping' | 'pong' | 'close';

export interface WebSocketFrameEvent {
  readonly kind: 'webSocketFrame';
  readonly correlationId: string;
  readonly clientToServer: boolean;
  readonly frameType: FrameType;
  readonly payload: Buffer;
  /** counts from 0, in each direction */
  readonly frameIndex: number;
  readonly clientIp: string;
}

export type GuardrailContent = 'prompt' | 'response' | 'system' | 'toolCall' | 'toolResult';

export interface GuardrailEvent {
  readonly kind: 'guardrail';
  readonly correlationId: string;
  readonly content: string;
  readonly contentType: GuardrailContent;
  readonly model?: string | undefined;
  /** JSON text */
  readonly contextJson: string;
}

export interface RequestCompleteEvent {
  readonly kind: 'requestComplete';
  readonly correlationId: string;
  /** 0: none was sent */
  readonly status: number;
  readonly durationMs: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly upstream?: string | undefined;
  readonly error?: string | undefined;
}

/** What an agent answers with a decision. */
export type AskedEvent =
  | RequestHeadersEvent
  | ResponseHeadersEvent
  | BodyChunkEvent
  | WebSocketFrameEvent
  | GuardrailEvent
  | RequestCompleteEvent;

/** A configuration for the agent (checklist C19). */
export interface ConfigureEvent {
  readonly kind: 'configure';
  /** with one the agent answers: allow, or a block whose body says what is wrong; over gRPC a field of Berth's own */
  readonly correlationId?: string | undefined;
  /** JSON text */
  readonly configJson: string;
  readonly version?: string | undefined;
  readonly isInitial: boolean;
  readonly timestampMs: number;
}

/** Numbers as on the wire of gRPC; the framings count from 0 (checklist C11). */
export const CANCEL_REASONS = [
  'clientDisconnect',
  'timeout',
  'blockedByAgent',
  'upstreamError',
  'proxyShutdown',
  'manual',
] as const;
export type CancelReason = (typeof CANCEL_REASONS)[number];

export interface CancelMessage {
  readonly kind: 'cancel';
  readonly correlationId: string;
  readonly reason: CancelReason;
  readonly timestampMs: number;
  readonly blockingAgentId?: string | undefined;
}

/** The exchange that an event is about. */
export function correlationOf(event: AskedEvent | CancelMessage): string {
  return event.kind === 'requestHeaders' ? event.metadata.correlationId : event.correlationId;
}
