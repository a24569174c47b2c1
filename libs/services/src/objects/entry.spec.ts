import { remember, replyOf } from '../../testing/store/samples.js';
import { ServicesError } from '../errors.js';
import { decodeEntry, encodeEntry, NO_ENTRY } from './entry.js';
import { KeptReplies, keptReply } from './kept-replies.js';

describe('Entry', () => {
  it('what is read is its own, not the bytes that it came with', () => {
    const { idempotencyKey, reply } = remember('k');
    const replies = new KeptReplies([keptReply(idempotencyKey, reply, 1_000)]);
    const value = encodeEntry({ ...NO_ENTRY, state: '"ö"', replies });
    const chunk = Buffer.alloc(64 * 1024);
    value.copy(chunk, 100);
    const entry = decodeEntry('a', chunk.subarray(100, 100 + value.length));
    chunk.fill(0);
    expect(entry.state).toBe('"ö"');
    expect(entry.replies.find('k', 999)?.invocationId).toBe('k');
  });

  it('is read as it was written, and written again as it was', () => {
    const payloads = [Buffer.from('{"a":"ö"}'), Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.alloc(0)];
    const replies = payloads.map((payload, i) => keptReply(`"k\n${i}ö`, replyOf('id', { payload }), 1_000 + i));
    for (const state of [undefined, '', '{"ö":1}']) {
      const value = Buffer.from(
        encodeEntry({ version: 7, last: 9, state, writes: 'token', replies: new KeptReplies(replies) }),
      );
      const entry = decodeEntry('a', value);
      expect(entry).toMatchObject({ version: 7, last: 9, writes: 'token' });
      expect(entry.state).toBe(state);
      expect(payloads.map((_, i) => entry.replies.find(`"k\n${i}ö`, 999)?.payload)).toEqual(payloads);
      expect(Buffer.from(encodeEntry(entry))).toEqual(value);
    }
  });

  it('is written after each change as one that is written for the first time', () => {
    let entry = { ...NO_ENTRY, writes: 'token', state: '"ö"' };
    for (let i = 0; i < 20; i += 1) {
      const payload = Buffer.alloc(i * 20, i % 2 === 0 ? 'x' : 0xff);
      const reply = i % 5 === 4 ? undefined : keptReply(`"k${i}ö`, replyOf('id', { payload }), 1_000 + i);
      entry = { ...entry, replies: entry.replies.next(Math.max(0, entry.replies.all.length - 3), reply) };
      const anew = { ...entry, replies: new KeptReplies(entry.replies.all) };
      expect(encodeEntry(entry)).toEqual(encodeEntry(anew));
    }
    expect(encodeEntry({ ...entry, replies: entry.replies.next(entry.replies.all.length) })).toEqual(
      encodeEntry({ ...entry, replies: new KeptReplies([]) }),
    );
  });

  it.each([
    ...['', '\n', 'hello', 'null\n', '{"r":[]}\n', '{"t":"a"}\n', '{"t":"a","r":[]}\n'],
    // It would be read, and never be what a write is made from.
    '{ "t":"a","v":1,"l":1,"r":[]}\n',
    ...['{"t":"a","v":1,"l":1,"r":[1]}\n', '{"t":"a","v":2,"l":1,"r":[]}\n'],
    ...['{"t":"a","v":1,"l":1,"n":9,"r":[]}\n{}', '{"t":"a","v":1,"l":1,"n":2,"r":[]}\n{}more'],
    '{"t":"a","v":1,"l":1,"r":[["k",9,50]]}\nabc',
  ])('refuses what it did not write: %j', (value) => {
    const decoded = (): unknown => decodeEntry('name', Buffer.from(value));
    expect(decoded).toThrow(ServicesError);
    expect(decoded).toThrow("'name' was written by another version");
  });
});
