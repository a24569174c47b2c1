import { randomBytes } from 'node:crypto';
import { invocation, ofObject } from '../../../testing/bus/lab.js';
import type { Invocation, InvocationReply } from '../../invocation/invocation.js';
import { invocationKey } from '../../invocation/keys.js';
import { decodeAnswer, decodeRecord, encodeBody, encodeReply, laneOf } from './message.js';

/** As the script does. */
function record(body: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from('1763724960000,3,cAl-l_er,17,'), Buffer.from(body)]);
}

const PAYLOADS = {
  none: new Uint8Array(0),
  text: Buffer.from('{"a":"ü\\n"}\n\n,1'),
  bytes: Uint8Array.from({ length: 256 }, (_, i) => i),
  'a view into a larger buffer': new Uint8Array(Buffer.from('xxhelloxx').buffer, 0, 0),
  'a byte order mark': Buffer.from('\uFEFFx'),
  long: randomBytes(10_000),
};

describe('messages of the Redis bus', () => {
  describe.each(Object.entries(PAYLOADS))('with a payload of %s', (_name, payload) => {
    it.each<[string, Invocation]>([
      ['a stateless call', invocation({ payload })],
      ['an odd method', invocation({ payload, method: 'a/objects/b/invokes/c, d' })],
      ['an object', ofObject('18446744073709551615', { payload, partition: 2 ** 32 - 1 })],
      ['Unicode everywhere', ofObject('🚢 , é', { payload, id: '\u2028"\n', options: { 'ключ\n': '\ud800', x: '' } })],
      ['an idempotency key', ofObject('a', { payload, idempotencyKey: '', options: {} })],
    ])('%s arrives as it was', (_what, sent) => {
      const received = decodeRecord(record(encodeBody(sent, 'at-least-once', 5)), 60_000);
      const { payload: bytes, ...rest } = received.invocation;
      expect(Buffer.from(bytes).equals(Buffer.from(payload))).toBe(true);
      expect({ ...rest, payload }).toEqual({ ...sent, deadline: 1_763_724_900_000 });
      expect(received).toMatchObject({
        deadline: 1_763_724_900_000,
        attempt: 3,
        caller: 'cAl-l_er',
        callNumber: '17',
        delivery: 'at-least-once',
        place: { key: invocationKey(sent), ...laneOf(sent) },
      });
    });

    it.each<[string, Partial<InvocationReply>]>([
      ['a reply', {}],
      ['headers', { headers: { 'content-type': 'text/plain', ключ: 'значение' }, status: 2 }],
      ['an id of its own', { invocationId: 'other' }],
    ])('%s arrives as it was', (_what, part) => {
      const sent: InvocationReply = { status: 0, headers: {}, invocationId: 'one', payload, ...part };
      const answer = decodeAnswer(Buffer.from(encodeReply(sent, 'one')), 'one');
      if (!('reply' in answer)) throw new Error('no reply');
      const { payload: bytes, ...rest } = answer.reply;
      expect(bytes !== undefined && Buffer.from(bytes).equals(Buffer.from(payload))).toBe(true);
      expect({ ...rest, payload }).toEqual(sent);
    });
  });

  it('keeps no payload and an empty one apart', () => {
    const answer = decodeAnswer(Buffer.from(encodeReply({ status: 0, headers: {}, invocationId: 'x' }, 'x')), 'x');
    expect(answer).toEqual({ reply: { status: 0, headers: {}, invocationId: 'x', payload: undefined } });
  });

  it('has a copy of the payload from the first moment', () => {
    for (const payload of [Buffer.from('before'), Buffer.alloc(9000, 1)]) {
      const body = encodeBody(invocation({ payload }), 'at-most-once', 1);
      const before = Buffer.from(body);
      payload.fill(2);
      expect(Buffer.from(body).equals(before)).toBe(true);
    }
  });

  it('reads what the script says itself', () => {
    expect(decodeAnswer(Buffer.from('L3'), 'x')).toEqual({ refused: 'L', attempts: 3 });
    expect(decodeAnswer(Buffer.from('N'), 'x')).toMatchObject({ refused: 'N' });
  });
});
