import { remember } from '../../testing/store/samples.js';
import { decodeEntry, encodeEntry, keptReply, NO_ENTRY, replyIn } from './entry.js';

describe('Entry', () => {
  it('what is read keeps its own bytes alone, not all that came with it', () => {
    const { idempotencyKey, reply } = remember('k');
    const value = encodeEntry({ ...NO_ENTRY, state: '"ö"', replies: [keptReply(idempotencyKey, reply, 1_000)] });
    const chunk = Buffer.alloc(64 * 1024);
    value.copy(chunk, 100);
    const entry = decodeEntry('a', chunk.subarray(100, 100 + value.length));
    expect(entry.state).toBe('"ö"');
    const { replies } = entry;
    expect(replies.map(({ bytes }) => bytes.buffer.byteLength)).toEqual(replies.map(({ bytes }) => bytes.length));
    expect(replyIn(entry, 'k', 999)?.invocationId).toBe('k');
  });
});
