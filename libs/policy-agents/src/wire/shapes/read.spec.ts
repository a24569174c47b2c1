import { encode } from '@msgpack/msgpack';
import { describe, expect, it } from '@jest/globals';
import { decodePayload } from '../framing/payloads.js';
import type { FrameType } from './frame-types.js';
import { readForAgent } from './to-agent.js';
import { readForProxy } from './to-proxy.js';

const fromAgent = (type: number, json: string) =>
  decodePayload(type as FrameType, Buffer.from(json), 'json', (from) => readForProxy(type as FrameType, from));
const fromProxy = (type: number, json: string) =>
  decodePayload(type as FrameType, Buffer.from(json), 'json', (from) => readForAgent(type as FrameType, from));

describe('what agents of the original say', () => {
  it('an answer: its correlation id is among the audit data, and does not stay there', () => {
    const json = `{"version":2,"decision":{"block":{"status":451,"body":null,"headers":{"x-a":"1"}}},
      "request_headers":[],"response_headers":[{"remove":{"name":"server"}}],"routing_metadata":{},
      "audit":{"tags":[],"rule_ids":["r"],"confidence":null,"reason_codes":[],
        "custom":{"correlation_id":"c-9","score":12,"seen":{"a":[1]}}},
      "needs_more":false,"request_body_mutation":null,"response_body_mutation":{"data":null,"chunk_index":2},
      "websocket_decision":"drop"}`;
    expect(fromAgent(0x20, json)).toEqual({
      kind: 'answer',
      correlationId: 'c-9',
      decision: { kind: 'block', status: 451, body: undefined, headers: [['x-a', '1']] },
      requestHeaders: [],
      responseHeaders: [{ op: 'remove', name: 'server' }],
      audit: {
        tags: [],
        ruleIds: ['r'],
        confidence: undefined,
        reasonCodes: [],
        custom: { score: '12', seen: '{"a":[1]}' },
      },
      processingTimeMs: undefined,
      needsMore: false,
      requestBody: undefined,
      responseBody: { chunkIndex: 2, data: undefined },
      frame: { kind: 'drop' },
    });
  });

  it('an answer that says no more than it must', () => {
    const json = '{"version":2,"decision":"allow","audit":{"custom":{"correlation_id":"c-1"}}}';
    expect(fromAgent(0x20, json)).toMatchObject({
      correlationId: 'c-1',
      decision: { kind: 'allow' },
      requestHeaders: [],
      audit: undefined,
      needsMore: false,
    });
  });

  it.each(['"maybe"', '{"allowed":{}}', 'null', '7', '{"block":7}', '{"block":{"status":"403"}}'])(
    'a decision %s is no answer',
    (decision) => {
      expect(() => fromAgent(0x20, `{"decision":${decision}}`)).toThrow(/^malformed frame 0x20: /);
    },
  );

  it('states and actions as numbers, and as the original writes its own types', () => {
    expect(fromAgent(0x30, '{"state":4,"unhealthy_reason":"OOM","recoverable":true}')).toMatchObject({
      state: 'unhealthy',
      unhealthyReason: 'OOM',
      recoverable: true,
      timeoutMultiplier: 1,
    });
    expect(
      fromAgent(
        0x30,
        '{"agent_id":"a","state":{"status":"degraded","disabled_features":["x"],"timeout_multiplier":2.5}}',
      ),
    ).toMatchObject({ state: 'degraded', disabledFeatures: ['x'], timeoutMultiplier: 2.5 });
    expect(fromAgent(0x30, '{"state":{"status":"draining","eta_ms":50}}')).toMatchObject({ drainEtaMs: 50 });
    expect(fromAgent(0x33, '{"correlation_id":null,"action":1,"timestamp_ms":3}')).toEqual({
      kind: 'flow',
      correlationId: undefined,
      action: 'pause',
      bufferAvailable: undefined,
      timestampMs: 3,
    });
    expect(fromAgent(0x33, '{"action":{"type":"update_capacity","buffer_available":9}}')).toMatchObject({
      action: 'updateCapacity',
      bufferAvailable: 9,
    });
    expect(() => fromAgent(0x33, '{"action":4}')).toThrow('malformed frame 0x33: action of flow control 4 is unknown');
    expect(() => fromAgent(0x30, '{"state":0}')).toThrow('malformed frame 0x30: state of health 0 is unknown');
  });

  it('an update of the configuration', () => {
    const json = `{"update_type":{"type":"rule_update","rule_set":"m","rules":[{"id":"1","priority":-2,
      "definition":{"deny":"/x"},"enabled":true,"description":null}],"remove_rules":[]},"request_id":"u","timestamp_ms":1}`;
    expect(fromAgent(0x32, json)).toEqual({
      kind: 'configUpdate',
      requestId: 'u',
      timestampMs: 1,
      change: {
        kind: 'rules',
        ruleSet: 'm',
        rules: [
          {
            id: '1',
            priority: -2,
            definitionJson: '{"deny":"/x"}',
            enabled: true,
            description: undefined,
            tags: [],
          },
        ],
        removeRules: [],
      },
    });
  });

  it('numbers that are larger than a number can hold are the largest, and negative ones are none', () => {
    const limits = (bytes: string) => fromAgent(0x33, `{"action":1,"buffer_available":${bytes}}`);
    expect(limits('18446744073709551615')).toMatchObject({ bufferAvailable: Number.MAX_SAFE_INTEGER });
    expect(limits('1e999')).toMatchObject({ bufferAvailable: Number.MAX_SAFE_INTEGER });
    expect(() => limits('-1')).toThrow('buffer_available is no number from 0');
    expect(() => limits('"9"')).toThrow('buffer_available is no number');
  });
});

describe('what proxies of the original say', () => {
  it('the head of a request whose time is in words or in digits', () => {
    const json = (timestamp: string) =>
      `{"metadata":{"correlation_id":"c","request_id":"r","client_ip":"::1","client_port":9,"server_name":null,
      "protocol":"HTTP/2","tls_version":null,"tls_cipher":null,"route_id":null,"upstream_id":null,
      "timestamp":"${timestamp}"},"method":"GET","uri":"/","headers":{"a":["1","2"],"__proto__":["x"]},"correlation_id":"c"}`;
    expect(fromProxy(0x10, json('2026-01-01T00:00:00.123456+00:00'))).toMatchObject({
      metadata: { correlationId: 'c', serverName: undefined, timestampMs: 1_767_225_600_123 },
      httpVersion: 'HTTP/2',
      headers: ['a', '1', 'a', '2', '__proto__', 'x'],
    });
    expect(fromProxy(0x10, json('1767225600123'))).toMatchObject({ metadata: { timestampMs: 1_767_225_600_123 } });
    expect(fromProxy(0x10, json('yesterday'))).toMatchObject({ metadata: { timestampMs: 0 } });
  });

  it('cancels and pings in JSON, whatever the encoding is', () => {
    const bytes = Buffer.from('{"correlation_id":"c","reason":0,"timestamp_ms":5}');
    const read = decodePayload(0x40, bytes, 'msgpack', (from) => readForAgent(0x40, from));
    expect(read).toMatchObject({ kind: 'cancel', reason: 'clientDisconnect' });
  });

  it('a header of a name that is special to JavaScript, in MessagePack', () => {
    const headers = Object.create(null) as Record<string, string[]>;
    headers['__proto__'] = ['x'];
    headers['constructor'] = ['y'];
    const bytes = Buffer.from(encode({ correlation_id: 'c', status: 200, headers }));
    const read = decodePayload(0x12, bytes, 'msgpack', (from) => readForAgent(0x12, from));
    expect(read).toMatchObject({ headers: ['__proto__', 'x', 'constructor', 'y'] });
  });

  it('a chunk whose data is neither bytes nor base64 is no chunk', () => {
    expect(fromProxy(0x11, '{"data":"aGk="}')).toMatchObject({ data: Buffer.from('hi') });
    for (const data of ['"h?=="', '"aGk"', '7', '[1]']) {
      expect(() => fromProxy(0x11, `{"data":${data}}`)).toThrow(/^malformed frame 0x11: data is n/);
    }
  });

  it('guardrail events', () => {
    const json = (type: string) =>
      `{"correlation_id":"c","inspection_type":"${type}","content":"x","categories":["ssn"],"metadata":{"k":"v"}}`;
    expect(fromProxy(0x16, json('prompt_injection'))).toMatchObject({
      contentType: 'prompt',
      contextJson: '{"k":"v"}',
    });
    expect(fromProxy(0x16, json('pii_detection'))).toMatchObject({ contentType: 'response' });
  });
});
