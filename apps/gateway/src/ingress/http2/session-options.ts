import type { ServerSessionOptions } from 'node:http2';
import { START_WINDOW_BYTES } from './upload-window.js';

/** What one connection may do; `ingress.http2` and what it shares with HTTP/1.1. */
export interface Http2Options {
  maxStreams: number;
  resetsPerSecond: number;
  resetBurst: number;
  /** of a request head, as HTTP/2 counts it: 32 bytes for each field beside its own */
  maxHeaderBytes: number;
  /** for the first request of a connection, ms */
  headersTimeoutMs: number;
  /** of a connection without a request, ms */
  keepAliveTimeoutMs: number;
}

/** Of one connection. Node gives back at once what came: the windows of the streams are the bound. */
export const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;

/** What nghttp2 may hold for one stream that is answered slowly, bytes: one portion of a backlog, and its head. */
const OUTBOUND_BYTES = 640 * 1024;

/** Frames that are wrong, or empty, for which a connection ends. */
const MAX_INVALID_FRAMES = 100;

/** Streams beyond the limits that are refused before a connection ends. */
const MAX_REJECTED_STREAMS = 1000;

/** nghttp2's own limit for resets, which ends a connection in a less friendly way: behind ours. */
const RESET_MARGIN = 4;

/** Of the size that a head may have: up to here it is read, to be answered with 431; beyond, its stream is reset. */
const READ_HEAD_FACTOR = 2;

export function sessionOptions(options: Http2Options): ServerSessionOptions & Record<string, unknown> {
  const { maxHeaderBytes, maxStreams, resetBurst, resetsPerSecond } = options;
  const readHeaderBytes = maxHeaderBytes * READ_HEAD_FACTOR;
  return {
    settings: {
      enablePush: false,
      // WebSockets: RFC 8441.
      enableConnectProtocol: true,
      maxConcurrentStreams: maxStreams,
      maxHeaderListSize: readHeaderBytes,
      initialWindowSize: START_WINDOW_BYTES,
    },
    // Their size bounds them, and none is dropped in silence.
    maxHeaderListPairs: Math.ceil(readHeaderBytes / 32),
    // Heads of answers are bounded by the tunnel's frames.
    maxSendHeaderBlockLength: 1024 * 1024,
    maxSessionMemory: Math.max(10, Math.ceil((maxStreams * OUTBOUND_BYTES) / 1_000_000)),
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
    maxSettings: 32,
    streamResetBurst: resetBurst * RESET_MARGIN,
    streamResetRate: resetsPerSecond * RESET_MARGIN,
    // An answer may repeat what should stand once; HTTP/1.1 passes that on as well.
    strictSingleValueFields: false,
  };
}
