import type { ObjectStore } from '../../src/objects/object-store.js';
import { keyOf, remember } from './samples.js';

/** Every operation of a store, with a deadline that is far away. */
export async function answersByDeadlines(store: ObjectStore): Promise<void> {
  const deadline = Date.now() + 20_000;
  expect(await store.save(keyOf('a'), 0, '1', remember('k'), deadline)).toBe(1);
  expect(await store.save(keyOf('a'), 1, '2', undefined, deadline)).toBe(2);
  expect(await store.load(keyOf('a'), 1, 'k', deadline)).toMatchObject({
    version: 2,
    state: '2',
    reply: { invocationId: 'k' },
  });
  await store.rememberReply('scope', remember('k'), deadline);
  expect((await store.recallReply('scope', 'k', deadline))?.invocationId).toBe('k');
  expect(await store.delete(keyOf('a'), deadline)).toBe(true);
  expect(await store.load(keyOf('a'), undefined, undefined, deadline)).toMatchObject({ version: 0 });
}
