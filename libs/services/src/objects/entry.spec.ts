import { remember, replyOf } from '../../testing/store/samples.js';
import { ServicesError } from '../errors.js';
import { decodeEntry, encodeEntry, keptReply, NO_ENTRY, replyIn } from './entry.js';

describe('Entry', () => {
  it('what is read is its own, not the bytes that it came with', () => {
    const { idempotencyKey, reply } = remember('k');
    const value = encodeEntry({ ...NO_ENTRY, state: '"ö"', replies: [keptReply(idempotencyKey, reply, 1_000)] });
    const chunk = Buffer.alloc(64 * 1024);
    value.copy(chunk, 100);
    const entry = decodeEntry('a', chunk.subarray(100, 100 + value.length));
    chunk.fill(0);
    expect(entry.state).toBe('"ö"');
    expect(replyIn(entry, 'k', 999)?.invocationId).toBe('k');
  });

  it('is read as it was written, and written again as it was', () => {
    const payloads = [Buffer.from('{"a":"ö"}'), Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.alloc(0)];
    const replies = payloads.map((payload, i) => keptReply(`"k\n${i}ö`, replyOf('id', { payload }), 1_000 + i));
    for (const state of [undefined, '', '{"ö":1}']) {
      const value = encodeEntry({ version: 7, last: 9, state, writes: 'token', replies });
      const entry = decodeEntry('a', value);
      expect(entry).toMatchObject({ version: 7, last: 9, writes: 'token' });
      expect(entry.state).toBe(state);
      expect(payloads.map((_, i) => replyIn(entry, `"k\n${i}ö`, 999)?.payload)).toEqual(payloads);
      expect(encodeEntry(entry)).toEqual(value);
    }
  });

  it.each(['', '\n', 'hello', 'null\n', '{"r":[]}\n', '{"t":"a"}\n'])('refuses what it did not write: %j', (value) => {
    const decoded = (): unknown => decodeEntry('name', Buffer.from(value));
    expect(decoded).toThrow(ServicesError);
    expect(decoded).toThrow("'name' was written by another version");
  });
});
