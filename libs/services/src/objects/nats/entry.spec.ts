import { remember } from '../../../testing/store/samples.js';
import { decodeEntry, encodeEntry, keptReply, NO_ENTRY, replyIn } from './entry.js';

describe('Entry', () => {
  it('what is read keeps its own bytes alone, not all that came with it', () => {
    const { idempotencyKey, reply, ttlMs } = remember('k');
    const value = encodeEntry({ ...NO_ENTRY, state: '"ö"', replies: [keptReply(idempotencyKey, reply, ttlMs)] });
    const chunk = Buffer.alloc(64 * 1024);
    value.copy(chunk, 100);
    const { state, replies } = decodeEntry(chunk.subarray(100, 100 + value.length));
    expect(state).toBe('"ö"');
    expect(replies.map(({ bytes }) => bytes.buffer.byteLength)).toEqual(replies.map(({ bytes }) => bytes.length));
    expect(replyIn(replies, 'k')?.invocationId).toBe('k');
  });
});
