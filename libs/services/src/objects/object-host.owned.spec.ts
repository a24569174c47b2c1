import { count, Sample } from '../../testing/sample-object.js';
import { invocation, json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { ServicesError } from '../errors.js';
import type { Cancellation } from '../invocation/invocation-handler.js';
import { CODE_HEADER, InvocationStatus } from '../invocation/invocation.js';
import { MemoryStore } from './memory-store.js';
import type { ObjectKey, StoredObject } from './object-store.js';

@Service('Shelf', { package: 'test' })
class Shelf {
  @State() text: string = '';

  @Method() fill(more: string): number {
    this.text += more;
    return this.text.length;
  }
  @Method() empty(): void {
    this.text = '';
  }
  /** What is full cannot be written any more. */
  @Method() spoil(): number {
    if (this.text !== '') (this as { text: unknown }).text = 1n;
    return 0;
  }
}

/** Takes its callers' word for versions. */
class TrustingStore extends MemoryStore {
  asked = 0;
  away = false;

  override load(
    key: ObjectKey,
    known?: number,
    idempotencyKey?: string,
    _deadline?: number,
    trusted?: boolean,
  ): Promise<StoredObject> {
    if (trusted === true && known !== undefined) return Promise.resolve({ version: known, unasked: true });
    this.asked += 1;
    if (this.away) return Promise.reject(new ServicesError('BERTH_SERVICE_STORE_UNAVAILABLE', 'it is away'));
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

  it('neither does a state count that cannot be kept, made from an old one', async () => {
    store = new TrustingStore({ maxStateBytes: 64 });
    runtime = testExecutor([Sample, Shelf], { store });
    const shelf = (method: string, text = '') => call(method, Buffer.from(text), { service: 'test.Shelf' });
    const empty = () => testExecutor([Shelf], { store }).call('empty', { service: 'test.Shelf', objectId: 'a' });
    await shelf('fill', 'x'.repeat(40));
    await empty();
    expect(valueOf(await shelf('fill', 'y'.repeat(40)))).toBe(40);
    await empty();
    expect(valueOf(await shelf('spoil'))).toBe(0);
  });

  it('an error is no answer, where nobody can tell whether it came from an old state', async () => {
    await call('add', json(1));
    store.away = true;
    const failed = await call('breaks');
    expect(failed.headers[CODE_HEADER]).toBe('BERTH_SERVICE_STORE_UNAVAILABLE');
    store.away = false;
    expect((await call('breaks')).headers[CODE_HEADER]).toBe('BERTH_SERVICE_METHOD_FAILED');
  });
});
