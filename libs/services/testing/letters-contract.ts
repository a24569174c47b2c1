import type { DeadLetter, DeadLetterBounds, DeadLetterStore } from '../src/letters/dead-letter.js';
import { sampleLetter } from './sample-letter.js';

/** A store of dead letters, and what goes with it. */
export type Made = AsyncDisposable & { readonly letters: DeadLetterStore };

export const KIB = 1024;

/** What every store of dead letters must do. */
export function contract(make: (bounds?: DeadLetterBounds) => Promise<Made>): void {
  const idsOf = async (letters: DeadLetterStore, service = 'shop.Counter', partition = 0): Promise<string[]> =>
    (await letters.list(service, partition, Infinity)).map(({ id }) => id);

  it('gives back what it was given, whatever is in it', async () => {
    await using made = await make();
    const whole = sampleLetter({
      ...{
        id: 'é \n"> *.🚢'.repeat(50),
        objectId: 'größe/1',
        payload: Buffer.from([0, 10, 255]),
        options: { a: 'b\n' },
      },
      ...{ idempotencyKey: 'k', deadline: 1_800_000_000_000, chain: 'a/0/b' },
    });
    const bare = sampleLetter({}, { message: undefined, delivery: 'at-most-once', reason: 'worker-lost', attempts: 5 });
    for (const one of [whole, bare]) await made.letters.add(one);
    const plain = (one: DeadLetter | undefined): unknown =>
      JSON.parse(
        JSON.stringify({ ...one, invocation: { ...one?.invocation, payload: [...(one?.invocation.payload ?? [])] } }),
      );
    expect((await made.letters.list('shop.Counter', 0, Infinity)).map(plain)).toEqual([whole, bare].map(plain));
    expect(plain(await made.letters.get('shop.Counter', 0, whole.id))).toEqual(plain(whole));
    (await made.letters.get('shop.Counter', 0, whole.id))?.invocation.payload.fill(7);
    expect(plain(await made.letters.get('shop.Counter', 0, whole.id))).toEqual(plain(whole));
  });

  it('lists those of a service and partition, oldest first; another one with an id takes its place', async () => {
    await using made = await make();
    const { letters } = made;
    const [a, b, c] = [sampleLetter(), sampleLetter(), sampleLetter()] as const;
    const [partition, service] = [sampleLetter({ partition: 1 }), sampleLetter({ service: 'shop.Counter.More' })];
    for (const one of [a, partition, b, service, c, { ...a, message: 'newer' }]) await letters.add(one);
    expect(await idsOf(letters)).toEqual([b.id, c.id, a.id]);
    expect((await letters.get('shop.Counter', 0, a.id))?.message).toBe('newer');
    expect((await letters.list('shop.Counter', 0, 2)).map(({ id }) => id)).toEqual([b.id, c.id]);
    expect(await idsOf(letters, 'shop.Counter', 1)).toEqual([partition.id]);
    expect(await idsOf(letters, 'shop.Counter.More')).toEqual([service.id]);
    expect(await idsOf(letters, 'shop.Nothing')).toEqual([]);
    expect(await letters.get('shop.Counter', 1, a.id)).toBeUndefined();
  });

  it('removes one, and says whether it was there', async () => {
    await using made = await make();
    const { letters } = made;
    const [a, b] = [sampleLetter(), sampleLetter()];
    for (const one of [a, b]) await letters.add(one);
    expect(await letters.remove('shop.Counter', 1, a.id)).toBe(false);
    expect(await letters.remove('shop.Counter', 0, a.id)).toBe(true);
    expect(await letters.remove('shop.Counter', 0, a.id)).toBe(false);
    expect(await letters.get('shop.Counter', 0, a.id)).toBeUndefined();
    expect(await idsOf(letters)).toEqual([b.id]);
  });

  it('keeps so many of a service, and so many in all: the oldest go', async () => {
    await using made = await make({ deadLetterLimit: 3, deadLetterTotal: 5 });
    const { letters } = made;
    const own = Array.from({ length: 5 }, () => sampleLetter());
    const others = [1, 2, 3].map((partition) => sampleLetter({ partition }));
    for (const one of own) await letters.add(one);
    expect(await idsOf(letters)).toEqual(own.slice(2).map(({ id }) => id));
    for (const one of others) await letters.add(one);
    expect(await idsOf(letters)).toEqual(own.slice(3).map(({ id }) => id));
    for (const { id, invocation: call } of others)
      expect(await idsOf(letters, call.service, call.partition)).toEqual([id]);
    // Room that was made is used.
    await letters.remove('shop.Counter', 1, others[0]?.id ?? '');
    const last = sampleLetter();
    await letters.add(last);
    expect(await idsOf(letters)).toEqual([...own.slice(3), last].map(({ id }) => id));
  });

  it('keeps so many bytes in all', async () => {
    await using made = await make({ deadLetterTotalBytes: 35 * KIB });
    const { letters } = made;
    const large = Array.from({ length: 9 }, (_, i) =>
      sampleLetter({ partition: i % 3, payload: Buffer.alloc(10 * KIB) }),
    );
    for (const one of large) await letters.add(one);
    const kept = await Promise.all([0, 1, 2].map((partition) => idsOf(letters, 'shop.Counter', partition)));
    expect(kept.flat()).toEqual(large.slice(6).map(({ id }) => id));
    for (let i = 0; i < 20; i += 1) await letters.add({ ...(large[8] as DeadLetter), message: `${i}` });
    expect(await idsOf(letters, 'shop.Counter', 0)).toEqual([large[6]?.id]);
  });

  it('counts what a letter has beside its payload', async () => {
    await using made = await make({ deadLetterTotalBytes: 35 * KIB });
    const large = Array.from({ length: 9 }, () => sampleLetter({ options: { long: 'x'.repeat(10 * KIB) } }));
    for (const one of large) await made.letters.add(one);
    expect(await idsOf(made.letters)).toEqual(large.slice(6).map(({ id }) => id));
  });

  it('refuses bounds that are none', async () => {
    for (const bounds of [{ deadLetterLimit: 0 }, { deadLetterTotalBytes: 1.5 }])
      await expect(make(bounds)).rejects.toMatchObject({ code: 'BERTH_SERVICE_INVALID' });
  });
}

/** Those that bound the bytes of each service by themselves. */
export function bytesOfEach(make: (bounds?: DeadLetterBounds) => Promise<Made>): void {
  it('keeps so many bytes of a service; the newest stays, however large', async () => {
    await using made = await make({ deadLetterBytes: 35 * KIB, deadLetterTotalBytes: 100 * KIB });
    const sizes = async (): Promise<number[]> =>
      (await made.letters.list('shop.Counter', 0, Infinity)).map(({ invocation: { payload } }) => payload.length / KIB);
    const add = (kib: number, partition = 0): Promise<void> =>
      made.letters.add(sampleLetter({ partition, payload: Buffer.alloc(kib * KIB) }));
    await add(30, 1);
    for (const kib of [10, 11, 12, 13]) await add(kib);
    expect(await sizes()).toEqual([12, 13]);
    await add(50);
    expect(await sizes()).toEqual([50]);
    expect(await made.letters.list('shop.Counter', 1, 1)).toHaveLength(1);
  });
}
