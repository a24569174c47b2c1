import { createServer, type IncomingHttpHeaders } from 'node:http';
import protobuf from 'protobufjs';
import { disposable, eventually, listening } from '../index.js';

/** What tests look at of opentelemetry/proto/trace/v1/trace.proto. */
const PROTO = `syntax = "proto3";
message Value { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; Value value = 2; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  repeated KeyValue attributes = 9; repeated Event events = 11; Status status = 15;
}
message ScopeSpans { repeated Span spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Request { repeated ResourceSpans resource_spans = 1; }`;

const Request = protobuf.parse(PROTO).root.lookupType('Request');

/** A span as a collector gets it; ids in hex, empty where there is none. */
export interface ReceivedSpan {
  /** `service.name` of who made it */
  maker: string;
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  /** 2 server, 3 client */
  kind: number;
  /** 2: error */
  status: number;
  attributes: Record<string, string | number | boolean>;
  events: { name: string; attributes: Record<string, string | number | boolean> }[];
}

/** A collector that takes OTLP over HTTP, as protobuf. */
export interface SpanReceiver extends AsyncDisposable {
  endpoint: string;
  spans: ReceivedSpan[];
  /** of each request */
  headers: IncomingHttpHeaders[];
  /** waits for so many spans, of one trace where that is named */
  until(count: number, traceId?: string): Promise<ReceivedSpan[]>;
}

interface RawKeyValue {
  key: string;
  value: Record<string, string | number | boolean>;
}

interface RawRequest {
  resourceSpans: {
    resource: { attributes: RawKeyValue[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId: string;
        name: string;
        kind: number;
        status?: { code: number };
        attributes: RawKeyValue[];
        events: { name: string; attributes: RawKeyValue[] }[];
      }[];
    }[];
  }[];
}

export async function spanReceiver(): Promise<SpanReceiver> {
  const spans: ReceivedSpan[] = [];
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      headers.push(request.headers);
      if (request.url === '/v1/traces') spans.push(...received(Buffer.concat(chunks)));
      response.end();
    });
  });
  const { port, close } = await listening(server);
  const until = (count: number, traceId?: string): Promise<ReceivedSpan[]> =>
    eventually(() => {
      const meant = spans.filter((span) => traceId === undefined || span.traceId === traceId);
      return meant.length >= count ? meant : undefined;
    }, 10_000);
  return disposable({ endpoint: `http://127.0.0.1:${port}`, spans, headers, until }, close);
}

function received(body: Buffer): ReceivedSpan[] {
  const decoded = Request.toObject(Request.decode(body), {
    longs: Number,
    bytes: String,
    arrays: true,
    defaults: true,
  });
  return (decoded as RawRequest).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        maker: String(valuesOf(resource.attributes)['service.name']),
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        status: span.status?.code ?? 0,
        attributes: valuesOf(span.attributes),
        events: span.events.map(({ name, attributes }) => ({ name, attributes: valuesOf(attributes) })),
      })),
    ),
  );
}

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

function valuesOf(attributes: readonly RawKeyValue[]): Record<string, string | number | boolean> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] ?? '']));
}
