import { describe, expect, it } from '@jest/globals';
import { answers, capabilities } from '../../../testing/messages.js';
import { double, entry, float, len, num } from '../../../testing/protobuf.js';
import type { AgentAnswer } from '../../answers.js';
import { decodeToProxy, encodeReply, encodeToProxy } from './to-proxy.js';

const BYTES = Buffer.from([0, 1, 2, 0xff, 0x7b, 0x22]);
const header = (field: number, name: string, value: string) => len(field, len(1, name), len(2, value));

describe('messages to the proxy, in protobuf', () => {
  it('the reply to a handshake', () => {
    const bytes = len(
      1,
      num(1, 2),
      len(
        2,
        num(1, 2),
        len(2, 'waf'),
        len(3, 'A firewall'),
        len(4, '0.9.0'),
        len(5, Buffer.from([8, 1, 2, 3, 4, 5, 6, 7])),
        len(6, num(1, 1), num(2, 1), num(3, 1), num(4, 1), num(5, 1), num(6, 50), num(7, 1), num(8, 1), num(9, 1)),
        len(7, num(1, 1_048_576), num(2, 20), num(3, 16_384), num(4, 8_388_608), num(5, 250)),
        len(8, num(1, 5000), num(2, 1), num(3, 0)),
      ),
      num(3, 1),
    );
    expect(encodeReply(capabilities)).toEqual(bytes);
    expect(decodeToProxy(bytes)).toEqual({ kind: 'handshake', outcome: capabilities });
  });

  it('a refusal, and another version', () => {
    expect(decodeToProxy(len(1, len(4, 'no\r\nway')))).toMatchObject({
      outcome: { code: 'BERTH_POLICY_UNAVAILABLE', message: 'it refused the handshake: "no\\r\\nway"' },
    });
    expect(decodeToProxy(len(1, num(1, 1), num(3, 1)))).toMatchObject({
      outcome: { code: 'BERTH_VERSION_UNSUPPORTED' },
    });
  });

  it('what an agent does not say of its limits', () => {
    const bytes = len(
      1,
      num(1, 2),
      len(2, len(2, 'a'), len(7, num(1, 2n ** 64n - 1n), num(3, 1e12)), num(5, 99)),
      num(3, 1),
    );
    expect(decodeToProxy(bytes)).toMatchObject({
      outcome: {
        supportedEvents: new Set(),
        limits: {
          maxBodySize: Number.MAX_SAFE_INTEGER,
          maxConcurrency: 100,
          preferredChunkSize: 4_194_304,
          maxMemory: undefined,
        },
      },
    });
  });

  const rest = [
    len(10, header(1, 'X-User', 'ann')),
    len(10, header(2, 'Via', 'waf')),
    len(10, len(3, 'Cookie')),
    len(11, header(1, 'X-Judged', 'yes')),
  ];
  const audit = len(12, len(1, 'sqli'), len(2, '942100'), float(3, 0.5), len(4, 'PATTERN'), entry(5, 'score', '17'));

  it.each([
    [
      answers[0],
      [
        len(3, num(1, 403), len(2, 'not here'), header(3, 'X-Rule', '7'), header(3, 'Retry-After', '5')),
        ...rest,
        audit,
        num(13, 3),
        num(14, 1),
        len(100, len(1, BYTES), num(2, 3)),
        len(101, len(1), num(2, 4)),
        len(102, len(3, num(1, 1008), len(2, 'policy'))),
      ],
    ],
    [
      answers[1],
      [
        len(2),
        ...rest,
        num(13, 3),
        num(14, 0),
        len(100, len(1, BYTES), num(2, 3)),
        len(101, len(1), num(2, 4)),
        len(102, len(2)),
      ],
    ],
    [
      answers[2],
      [
        len(4, len(1, 'https://login.example/'), num(2, 302)),
        ...rest,
        audit,
        num(13, 3),
        num(14, 1),
        len(100, len(1, BYTES), num(2, 3)),
        len(101, len(1), num(2, 4)),
        len(102, len(1)),
      ],
    ],
    [
      answers[3],
      [
        len(5, len(1, 'captcha'), entry(2, 'site', 'k1')),
        ...rest,
        audit,
        num(13, 3),
        num(14, 1),
        len(100, num(2, 3)),
        len(101, len(1), num(2, 4)),
      ],
    ],
  ] as [AgentAnswer, Buffer[]][])('an answer %#', (answer, fields) => {
    const bytes = len(2, len(1, 'c-1'), ...fields);
    expect(decodeToProxy(bytes)).toEqual(answer);
    expect(encodeToProxy(answer)).toEqual(bytes);
  });

  it('an answer that says no more than it must, and one with an operation that nobody knows', () => {
    expect(decodeToProxy(len(2, len(1, 'c')))).toMatchObject({ decision: { kind: 'allow' }, needsMore: false });
    expect(decodeToProxy(len(2, len(1, 'c'), len(12)))).toMatchObject({ audit: undefined });
    expect(decodeToProxy(len(2, len(1, 'c'), len(10, len(9, 'x')), len(10, len(3, 'a'))))).toMatchObject({
      requestHeaders: [{ op: 'remove', name: 'a' }],
    });
  });

  it('reports', () => {
    expect(
      decodeToProxy(len(3, len(1, 'a'), num(2, 2), num(7, 5), len(10, 'x'), float(11, 1.5), num(14, 1))),
    ).toMatchObject({ kind: 'health', state: 'degraded', disabledFeatures: ['x'], timeoutMultiplier: 1.5 });
    const bucket = (le: number, count: number) => len(6, double(1, le), num(2, count));
    expect(
      decodeToProxy(
        len(
          4,
          len(1, 'a'),
          len(4, len(1, 'c'), entry(3, 'k', 'v'), num(4, 2n ** 63n)),
          len(6, len(1, 'h'), double(4, 1.5), num(5, 2), bucket(1, 1), bucket(Infinity, 2)),
        ),
      ),
    ).toMatchObject({
      kind: 'metrics',
      counters: [{ name: 'c', labels: { k: 'v' }, value: Number.MAX_SAFE_INTEGER }],
      histograms: [
        {
          buckets: [
            { le: 1, count: 1 },
            { le: Infinity, count: 2 },
          ],
        },
      ],
    });
    expect(decodeToProxy(len(5, len(1, 'u'), len(12, len(1, 'ips'), len(2, '::1'))))).toMatchObject({
      change: { kind: 'list', listId: 'ips', add: ['::1'], remove: [] },
    });
    expect(decodeToProxy(len(6, num(2, 3), num(3, 9)))).toMatchObject({ action: 'updateCapacity', bufferAvailable: 9 });
    expect(decodeToProxy(len(7, num(1, 4), num(2, 5), num(3, 6)))).toEqual({
      kind: 'pong',
      sequence: 4,
      pingTimestampMs: 5,
      timestampMs: 6,
    });
    expect(decodeToProxy(len(8, num(1, 4), len(2, 'm'), entry(4, 'k', 'v')))).toMatchObject({
      kind: 'log',
      level: 'error',
      fields: { k: 'v' },
    });
  });

  it.each<[string, Buffer, string]>([
    ['garbage', Buffer.from('ffffff', 'hex'), 'malformed AgentToProxy: '],
    ['a length that is not there', Buffer.from([0x12, 0x7f, 0x0a]), 'malformed AgentToProxy: '],
    ['an unknown state', len(3, num(2, 9)), 'malformed AgentToProxy: state of health 9 is unknown'],
    ['an unknown action', len(6, num(2, 0)), 'malformed AgentToProxy: action of flow control 0 is unknown'],
  ])('%s is a protocol error that names what', (_, bytes, message) => {
    expect(() => decodeToProxy(bytes)).toThrow(expect.objectContaining({ code: 'BERTH_PROTOCOL_ERROR' }));
    expect(() => decodeToProxy(bytes)).toThrow(message);
  });

  it('a message of many small parts is refused before they take memory', () => {
    const ops = Buffer.concat(Array.from({ length: 1000 }, () => len(10)));
    const many = (count: number) => len(2, len(1, 'c'), ...Array.from({ length: count / 1000 }, () => ops));
    expect(decodeToProxy(many(100_000))).toMatchObject({ requestHeaders: [] });
    expect(() => decodeToProxy(many(1_000_000))).toThrow('malformed AgentToProxy: it has more than 262144 parts');
  });
});
