import type { RequestMetadata } from '../../events.js';
import { count, type Fields, inner, optionalText, text } from '../fields.js';

export function writeMetadata(of: RequestMetadata): Fields {
  return {
    correlation_id: of.correlationId,
    request_id: of.requestId,
    client_ip: of.clientIp,
    client_port: of.clientPort,
    server_name: of.serverName ?? null,
    protocol: of.protocol,
    tls_version: of.tlsVersion ?? null,
    tls_cipher: null,
    route_id: of.routeId ?? null,
    upstream_id: of.upstreamId ?? null,
    timestamp: new Date(of.timestampMs).toISOString(),
    traceparent: of.traceparent,
  };
}

/** @param event that the metadata is a part of */
export function readMetadata(event: Fields): RequestMetadata {
  const from = metadataFields(event);
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
    timestampMs: readTime(text(from, 'timestamp')),
    traceparent: optionalText(from, 'traceparent'),
  };
}

/** As versions of the original before 0.4 write it in MessagePack: a list, whose end may lack. */
const ORDER = [
  ...['correlation_id', 'request_id', 'client_ip', 'client_port', 'server_name', 'protocol', 'tls_version'],
  ...['tls_cipher', 'route_id', 'upstream_id', 'timestamp', 'traceparent'],
];

function metadataFields(event: Fields): Fields {
  const value: unknown = event['metadata'];
  if (!Array.isArray(value)) return inner(event, 'metadata') ?? {};
  return Object.fromEntries(ORDER.map((name, at): [string, unknown] => [name, value[at]]));
}

/** RFC 3339, or ms in digits. 0: it cannot be read. */
function readTime(time: string): number {
  const ms = /^\d+$/.test(time) ? Number(time) : Date.parse(time);
  return Number.isSafeInteger(ms) && ms > 0 ? ms : 0;
}
