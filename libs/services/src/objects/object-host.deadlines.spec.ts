import { json, testExecutor, valueOf } from '../../testing/test-executor.js';
import { Getter, Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { CODE_HEADER, type InvocationReply, InvocationStatus } from '../invocation/invocation.js';
import { MemoryStore } from './memory-store.js';
import type { ObjectKey, RememberedReply, StoredObject } from './object-store.js';

let begun = 0;

@Service('Sample', { package: 'test' })
class Sample {
  @Getter() @State() count: number = 0;

  @Method({ timeoutMs: 200 }) add(by: number): number {
    begun += 1;
    this.count += by;
    return this.count;
  }
  @Method({ timeoutMs: 20 }) dawdle(): number {
    const until = Date.now() + 30;
    while (Date.now() < until) this.count += 1;
    return this.count;
  }
  @Method({ stateless: true, delivery: 'at-least-once', timeoutMs: 200 }) once(): number {
    begun += 1;
    return begun;
  }
}

type Operation = 'load' | 'save' | 'recallReply' | 'rememberReply';

/** A store of somebody's own that makes nothing of deadlines, and can fall silent. */
class Hanging extends MemoryStore {
  readonly hanging = new Map<Operation, 'done' | 'lost'>();
  readonly deadlines: Partial<Record<Operation, number | undefined>> = {};

  override load(key: ObjectKey, version?: number, idempotencyKey?: string, deadline?: number): Promise<StoredObject> {
    return this.#answer('load', deadline, () => super.load(key, version, idempotencyKey));
  }
  override save(
    key: ObjectKey,
    expectedVersion: number,
    state: string | undefined,
    remember?: RememberedReply,
    deadline?: number,
  ): Promise<number | undefined> {
    return this.#answer('save', deadline, () => super.save(key, expectedVersion, state, remember));
  }
  override recallReply(scope: string, key: string, deadline?: number): Promise<InvocationReply | undefined> {
    return this.#answer('recallReply', deadline, () => super.recallReply(scope, key));
  }
  override rememberReply(scope: string, remember: RememberedReply, deadline?: number): Promise<void> {
    return this.#answer('rememberReply', deadline, () => super.rememberReply(scope, remember));
  }

  #answer<T>(operation: Operation, deadline: number | undefined, work: () => Promise<T>): Promise<T> {
    this.deadlines[operation] = deadline;
    const hanging = this.hanging.get(operation);
    const answer = hanging === 'lost' ? undefined : work();
    return hanging === undefined && answer !== undefined ? answer : new Promise(() => undefined);
  }
}

const said = ({ status, headers }: InvocationReply): unknown => [status, headers[CODE_HEADER]];
const TIMEOUT = [InvocationStatus.SYSTEM_ERROR, 'BERTH_SERVICE_TIMEOUT'];
const UNKNOWN = [InvocationStatus.SYSTEM_ERROR, 'BERTH_SERVICE_OUTCOME_UNKNOWN'];

describe('a store that does not answer', () => {
  let store: Hanging;
  let runtime: ReturnType<typeof testExecutor>;
  const add = (by: number): Promise<InvocationReply> => runtime.call('add', { objectId: 'a', payload: json(by) });

  beforeEach(() => {
    begun = 0;
    store = new Hanging();
    runtime = testExecutor([Sample], { store });
  });

  it('while loading: TIMEOUT at the deadline, the method is not begun, and the object goes on', async () => {
    store.hanging.set('load', 'lost');
    const reply = await add(5);
    expect(said(reply)).toEqual(TIMEOUT);
    expect(valueOf(reply)).toMatchObject({ error: { message: expect.stringContaining('the store had not answered') } });
    expect(begun).toBe(0);
    store.hanging.clear();
    expect(valueOf(await add(5))).toBe(5);
  });

  it.each([
    ['done', 115],
    ['lost', 105],
  ] as const)(
    'while saving, which is %s: OUTCOME_UNKNOWN at the deadline, and the object is loaded anew',
    async (what, then) => {
      expect(valueOf(await add(5))).toBe(5);
      store.hanging.set('save', what);
      expect(said(await add(10))).toEqual(UNKNOWN);
      store.hanging.clear();
      expect(valueOf(await add(100))).toBe(then);
    },
  );

  it('before and after a stateless method: TIMEOUT, not begun; OUTCOME_UNKNOWN', async () => {
    store.hanging.set('recallReply', 'lost');
    expect(said(await runtime.call('once', { idempotencyKey: 'k' }))).toEqual(TIMEOUT);
    expect(begun).toBe(0);
    store.hanging.clear();
    store.hanging.set('rememberReply', 'lost');
    expect(said(await runtime.call('once', { idempotencyKey: 'k' }))).toEqual(UNKNOWN);
    expect(begun).toBe(1);
  });

  it('a method that held the process beyond its deadline saves nothing', async () => {
    expect(said(await runtime.call('dawdle', { objectId: 'a' }))).toEqual(TIMEOUT);
    expect(valueOf(await runtime.call('get_count', { objectId: 'a' }))).toBe(0);
  });

  it('each operation is told the deadline of its call', async () => {
    const deadline = Date.now() + 150;
    await runtime.call('add', { objectId: 'a', payload: json(1), deadline });
    await runtime.call('once', { idempotencyKey: 'k', deadline });
    expect(store.deadlines).toEqual({ load: deadline, save: deadline, recallReply: deadline, rememberReply: deadline });
  });
});
