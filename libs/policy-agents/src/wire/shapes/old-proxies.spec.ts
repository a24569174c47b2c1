import { encode } from '@msgpack/msgpack';
import { expect, it } from '@jest/globals';
import { decodePayload } from '../framing/payloads.js';
import { FrameType } from './frame-types.js';
import { readForAgent } from './to-agent.js';

it('the head of a request whose metadata is a list is read', () => {
  const metadata = ['c1', 'r1', '192.0.2.7', 4711, null, 'HTTP/1.1', null, null, 'route', null, '2026-01-01T00:00:00Z'];
  const payload = Buffer.from(
    encode({ correlation_id: 'c1', metadata, method: 'GET', uri: '/x', headers: { accept: ['a', 'b'] } }),
  );
  const type = FrameType.requestHeaders;
  const message = decodePayload(type, payload, 'msgpack', (fields) => readForAgent(type, fields));
  expect(message).toMatchObject({
    kind: 'requestHeaders',
    uri: '/x',
    headers: ['accept', 'a', 'accept', 'b'],
    metadata: {
      correlationId: 'c1',
      requestId: 'r1',
      clientIp: '192.0.2.7',
      clientPort: 4711,
      serverName: undefined,
      protocol: 'HTTP/1.1',
      routeId: 'route',
      timestampMs: Date.UTC(2026, 0, 1),
    },
  });
});
