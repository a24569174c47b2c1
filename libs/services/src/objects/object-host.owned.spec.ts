import { count, Sample } from '../../testing/sample-object.js';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import type { Cancellation } from '../invocation/invocation-handler.js';
import { InvocationStatus } from '../invocation/invocation.js';
import { MemoryStore } from './memory-store.js';
import type { ObjectKey, StoredObject } from './object-store.js';

/** Takes its callers' word for versions. */
class TrustingStore extends MemoryStore {
  asked = 0;

  override load(
    key: ObjectKey,
    known?: number,
    idempotencyKey?: string,
    _deadline?: number,
    trusted?: boolean,
  ): Promise<StoredObject> {
    if (trusted === true && known !== undefined) return Promise.resolve({ version: known, unasked: true });
    this.asked += 1;
    return super.load(key, known, idempotencyKey);
  }
}

describe('ObjectHost, where a bus says whose objects are', () => {
  let store: TrustingStore;
  let runtime: ReturnType<typeof testExecutor>;
  let term: number | undefined;

  const call = (method: string, payload = json(null), more = {}) => {
    const cancellation: Cancellation = { signal: new AbortController().signal, term };
    return runtime.executor.handle(invocation(method, { objectId: 'a', payload, ...more }), 'server', cancellation);
  };
  /** Another process, which nobody has told that the object is not its. */
  const elsewhere = (by: number) => testExecutor([Sample], { store }).call('add', { objectId: 'a', payload: json(by) });

  beforeEach(() => {
    Sample.begin();
    term = 1;
    store = new TrustingStore();
    runtime = testExecutor([Sample], { store });
  });

  it('a change of an object that is this process’s asks nothing before', async () => {
    for (let i = 1; i <= 5; i += 1) expect(valueOf(await call('add', json(1)))).toBe(i);
    expect(store.asked).toBe(1);
  });

  it('asks again in another term, and where nobody knows', async () => {
    await call('add', json(1));
    for (const next of [2, undefined, 3]) {
      term = next;
      await elsewhere(10);
      const { asked } = store;
      Sample.log.length = 0;
      await call('add', json(1));
      expect(store.asked).toBe(asked + 1);
      expect(Sample.log).toHaveLength(2);
    }
    expect(await count(runtime, 'a')).toBe(34);
  });

  it('what others changed all the same is not lost, whatever the method does', async () => {
    await call('add', json(1));
    await elsewhere(10);
    expect(valueOf(await call('add', json(1)))).toBe(12);
    await elsewhere(10);
    expect(valueOf(await call('deposit', json(1), { idempotencyKey: 'k' }))).toBe(23);
  });

  it('an answer that needs no save is of the newest state: of a getter, a method, and one that throws', async () => {
    await call('add', json(1));
    await elsewhere(10);
    expect(valueOf(await call('get_count'))).toBe(11);
    await elsewhere(10);
    expect(valueOf(await call('add', json(0)))).toBe(21);
    await elsewhere(10);
    Sample.made = 0;
    const failed = await call('breaks');
    expect(failed.status).toBe(InvocationStatus.APP_ERROR);
    // The first run was of an old state: its error counts no more than its state.
    expect(Sample.made).toBe(1);
    expect(await count(runtime, 'a')).toBe(31);
  });
});
