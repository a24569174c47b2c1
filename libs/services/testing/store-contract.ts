import { createHash, randomBytes } from 'node:crypto';
import { eventually } from '@berth/testing';
import { InvocationStatus } from '../src/invocation/invocation.js';
import type { ObjectKey, ObjectStore } from '../src/objects/object-store.js';
import { codeOf } from './bus/lab.js';
import { answersByDeadlines } from './store/deadlines.js';
import { comparable, keyOf, remember, replyOf } from './store/samples.js';

/** What a store is made with for a test. */
export interface StoreBounds {
  readonly maxStateBytes?: number;
}

/** A new and empty store. */
export type MakeStore = (bounds: StoreBounds) => Promise<ObjectStore>;

const MIB = 1024 * 1024;

/** What every ObjectStore must do, to be called within a `describe`. */
export function objectStoreContract(make: MakeStore): void {
  let store: ObjectStore;

  const withStore =
    (body: () => Promise<void>, bounds: StoreBounds = {}) =>
    async () => {
      store = await make(bounds);
      try {
        await body();
      } finally {
        await store.close();
      }
    };
  const versionOf = async (key: ObjectKey) => (await store.load(key)).version;

  describe('states and versions', () => {
    it(
      'an object that was never saved has version 0 and no state',
      withStore(async () => {
        expect(await store.load(keyOf('a'))).toMatchObject({ version: 0 });
        expect((await store.load(keyOf('a'))).state).toBeUndefined();
        expect((await store.load(keyOf('a'), 0, 'k')).reply).toBeUndefined();
      }),
    );

    it(
      'a save counts the version up by one and keeps the state as it is',
      withStore(async () => {
        const states = ['{"n":1}', '""', `{"größe":"🚢\\u0000\\n","quote":"'}"}`];
        for (const [i, state] of states.entries()) {
          expect(await store.save(keyOf('a'), i, state)).toBe(i + 1);
          expect(await store.load(keyOf('a'))).toMatchObject({ version: i + 1, state });
        }
      }),
    );

    it(
      'a state is not sent again to whoever knows its version',
      withStore(async () => {
        await store.save(keyOf('a'), 0, '1');
        expect((await store.load(keyOf('a'), 1)).state).toBeUndefined();
        expect((await store.load(keyOf('a'), 1)).version).toBe(1);
        for (const other of [undefined, 0, 2]) expect((await store.load(keyOf('a'), other)).state).toBe('1');
      }),
    );

    it(
      'of two writers with the same version one is told that it was too late',
      withStore(async () => {
        await store.save(keyOf('a'), 0, '"first"');
        const results = await Promise.all([store.save(keyOf('a'), 1, '"x"'), store.save(keyOf('a'), 1, '"y"')]);
        expect(results.filter((version) => version === 2)).toHaveLength(1);
        expect(results.filter((version) => version === undefined)).toHaveLength(1);
        expect((await store.load(keyOf('a'))).state).toBe(results[0] === 2 ? '"x"' : '"y"');
        for (const stale of [0, 1, 3]) expect(await store.save(keyOf('a'), stale, '"z"')).toBeUndefined();
        expect(await versionOf(keyOf('a'))).toBe(2);
      }),
    );

    it(
      'of 100 increments at once by compare and retry none is lost',
      withStore(async () => {
        const increment = async (): Promise<void> => {
          for (;;) {
            const { version, state } = await store.load(keyOf('a'));
            if ((await store.save(keyOf('a'), version, String(Number(state ?? '0') + 1))) !== undefined) return;
          }
        };
        await Promise.all(Array.from({ length: 100 }, increment));
        expect(await store.load(keyOf('a'))).toMatchObject({ version: 100, state: '100' });
      }),
    );

    it(
      'B5, B13: service, partition and object id tell objects apart, whatever is in them',
      withStore(async () => {
        const keys = [
          ...['9007199254740993', '9007199254740992', '18446744073709551615', '007', '7'].map((id) => keyOf(id)),
          ...['x', 'x}', '{x', '{x}', 'x}:k', 'x:k', 'x%7D', '%', 'größe 🚢', 'grösse', '漢字', ' '].map((id) =>
            keyOf(id),
          ),
          keyOf('x', { partition: 1 }),
          keyOf('x', { partition: 4_294_967_295 }),
          keyOf('x', { service: 'shop.Other' }),
        ];
        for (const [i, key] of keys.entries()) expect(await store.save(key, 0, String(i), remember('k'))).toBe(1);
        for (const [i, key] of keys.entries()) {
          const { state, reply } = await store.load(key, undefined, 'k');
          expect([state, reply?.invocationId]).toEqual([String(i), 'k']);
          expect((await store.load(key, undefined, ':k')).reply).toBeUndefined();
        }
      }),
    );

    it(
      'a state of 1 MiB is kept, one above the bound is PAYLOAD_TOO_LARGE and changes nothing',
      withStore(
        async () => {
          const large = JSON.stringify('ö'.repeat(MIB / 2 - 1));
          expect(Buffer.byteLength(large)).toBe(MIB);
          await store.save(keyOf('a'), 0, large);
          const { state } = await store.load(keyOf('a'));
          expect(
            createHash('sha256')
              .update(state ?? '')
              .digest('hex'),
          ).toBe(createHash('sha256').update(large).digest('hex'));
          const save = store.save(keyOf('a'), 1, `${large} `, remember('k'));
          expect(await codeOf(save)).toBe('BERTH_SERVICE_PAYLOAD_TOO_LARGE');
          expect(await store.load(keyOf('a'), 1, 'k')).toMatchObject({ version: 1, reply: undefined });
        },
        { maxStateBytes: MIB },
      ),
    );
  });

  describe('remembered replies', () => {
    it(
      'a reply is kept together with the state it belongs to, or not at all',
      withStore(async () => {
        expect(await store.save(keyOf('a'), 0, '1', remember('k1'))).toBe(1);
        expect(await store.save(keyOf('a'), 0, '2', remember('k2'))).toBeUndefined();
        expect((await store.load(keyOf('a'), 1, 'k1')).reply?.invocationId).toBe('k1');
        expect((await store.load(keyOf('a'), 1, 'k2')).reply).toBeUndefined();
        expect((await store.load(keyOf('b'), 0, 'k1')).reply).toBeUndefined();
      }),
    );

    it(
      'a reply alone leaves version and state, of a new object too',
      withStore(async () => {
        expect(await store.save(keyOf('new'), 0, undefined, remember('k'))).toBe(0);
        expect(await store.load(keyOf('new'), undefined, 'k')).toMatchObject({
          version: 0,
          reply: { invocationId: 'k' },
        });
        await store.save(keyOf('a'), 0, '1');
        expect(await store.save(keyOf('a'), 1, undefined, remember('k'))).toBe(1);
        expect(await store.save(keyOf('a'), 0, undefined, remember('late'))).toBeUndefined();
        expect(await store.load(keyOf('a'), undefined, 'k')).toMatchObject({ version: 1, state: '1' });
        expect((await store.load(keyOf('a'), 1, 'late')).reply).toBeUndefined();
        expect(await store.save(keyOf('a'), 1, undefined)).toBe(1);
        expect(await store.save(keyOf('a'), 7, undefined)).toBeUndefined();
      }),
    );

    it(
      'replies come back byte by byte: none, empty, every byte, 1 MiB',
      withStore(async () => {
        const headers = { 'content-type': 'text/plain', größe: '🚢\n' };
        const payloads = [
          undefined,
          new Uint8Array(0),
          Uint8Array.from({ length: 256 }, (_, i) => i),
          randomBytes(MIB),
        ];
        for (const [i, payload] of payloads.entries()) {
          const reply = replyOf(`call\n${i}`, { payload, headers, status: InvocationStatus.APP_ERROR });
          await store.save(keyOf('a'), i, 'null', remember(`k${i}`, 60_000, reply));
          await store.rememberReply('scope', remember(`k${i}`, 60_000, reply));
          expect(comparable((await store.load(keyOf('a'), i + 1, `k${i}`)).reply)).toEqual(comparable(reply));
          expect(comparable(await store.recallReply('scope', `k${i}`))).toEqual(comparable(reply));
        }
      }),
    );

    it(
      'the store keeps a reply of its own: later changes of the bytes do not reach it',
      withStore(async () => {
        const payload = Buffer.from([1]);
        await store.save(keyOf('a'), 0, '1', remember('k', 60_000, replyOf('x', { payload })));
        payload.fill(2);
        const first = (await store.load(keyOf('a'), 1, 'k')).reply?.payload;
        expect([...(first ?? [])]).toEqual([1]);
        first?.fill(3);
        expect([...((await store.load(keyOf('a'), 1, 'k')).reply?.payload ?? [])]).toEqual([1]);
      }),
    );

    it(
      'replies of stateless calls are known by scope and key',
      withStore(async () => {
        const scopes = ['oprc/a.B/0/invokes/f', 'oprc/a.B/0/invokes/g', 'a', 'a:b'];
        for (const scope of scopes) await store.rememberReply(scope, remember('b:c', 60_000, replyOf(scope)));
        for (const scope of scopes) expect((await store.recallReply(scope, 'b:c'))?.invocationId).toBe(scope);
        expect(await store.recallReply('a:b', 'c')).toBeUndefined();
        expect(await store.recallReply('b', 'b:c')).toBeUndefined();
        await store.rememberReply('a', remember('b:c', 60_000, replyOf('newer')));
        expect((await store.recallReply('a', 'b:c'))?.invocationId).toBe('newer');
      }),
    );

    it(
      'replies are forgotten when their time is over, the state is not',
      withStore(async () => {
        await store.save(keyOf('a'), 0, '1', remember('short', 1000)); // for a busy machine to ask before it is over
        await store.save(keyOf('a'), 1, undefined, remember('long', 60_000));
        await store.rememberReply('scope', remember('short', 1000));
        expect((await store.load(keyOf('a'), 1, 'short')).reply).toBeDefined();
        expect(await store.recallReply('scope', 'short')).toBeDefined();
        await eventually(async () => (await store.load(keyOf('a'), 1, 'short')).reply === undefined, 10_000);
        await eventually(async () => (await store.recallReply('scope', 'short')) === undefined, 10_000);
        expect(await store.load(keyOf('a'), undefined, 'long')).toMatchObject({
          state: '1',
          reply: { invocationId: 'long' },
        });
      }),
    );
  });

  describe('deleting', () => {
    it(
      'an object is gone with its replies, others are not',
      withStore(async () => {
        await store.save(keyOf('a'), 0, '1', remember('k'));
        await store.save(keyOf('b'), 0, '2', remember('k'));
        expect(await store.delete(keyOf('a'))).toBe(true);
        expect(await store.delete(keyOf('a'))).toBe(false);
        expect(await store.delete(keyOf('never'))).toBe(false);
        expect(await store.load(keyOf('a'), undefined, 'k')).toEqual({ version: 0 });
        expect(await store.load(keyOf('b'), undefined, 'k')).toMatchObject({
          version: 1,
          reply: { invocationId: 'k' },
        });
        expect(await store.save(keyOf('a'), 1, '3')).toBeUndefined();
      }),
    );

    it(
      'an object that is made again does not get its old replies back',
      withStore(async () => {
        await store.save(keyOf('a'), 0, '1', remember('old'));
        await store.save(keyOf('new'), 0, undefined, remember('old'));
        await store.delete(keyOf('a'));
        await store.delete(keyOf('new'));
        expect((await store.load(keyOf('new'), 0, 'old')).reply).toBeUndefined();
        const version = await store.save(keyOf('a'), 0, '2', remember('fresh'));
        expect(await store.load(keyOf('a'), undefined, 'old')).toMatchObject({ version, state: '2', reply: undefined });
        expect((await store.load(keyOf('a'), undefined, 'fresh')).reply?.invocationId).toBe('fresh');
        await store.save(keyOf('new'), 0, undefined, remember('fresh'));
        expect((await store.load(keyOf('new'), 0, 'fresh')).reply?.invocationId).toBe('fresh');
      }),
    );

    it(
      'whoever holds a version of before is not taken for up to date afterwards',
      withStore(async () => {
        await store.save(keyOf('a'), 0, '"old"');
        await store.delete(keyOf('a'));
        const version = (await store.save(keyOf('a'), 0, '"new"')) ?? 0;
        expect((await store.load(keyOf('a'), 1)).state).toBe('"new"');
        expect(await store.save(keyOf('a'), 1, '"of the old"')).toBeUndefined();
        expect(await store.save(keyOf('a'), version, '"newer"')).toBe(version + 1);
        expect(await store.delete(keyOf('a'))).toBe(true);
      }),
    );
  });

  it(
    'an operation with a deadline answers as one without',
    withStore(() => answersByDeadlines(store)),
  );

  it(
    'a store that is closed is STORE_UNAVAILABLE',
    withStore(async () => {
      expect(store.health().state).toBe('up');
      await store.close();
      expect(store.health().state).toBe('closed');
      for (const attempt of [
        store.load(keyOf('a')),
        store.save(keyOf('a'), 0, '1'),
        store.delete(keyOf('a')),
        store.recallReply('a', 'k'),
        store.rememberReply('a', remember('k')),
      ])
        expect(await codeOf(attempt)).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
      await store.close();
    }),
  );
}
