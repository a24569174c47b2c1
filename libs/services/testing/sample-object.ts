import { setTimeout as sleep } from 'node:timers/promises';
import { Getter, Method, Setter, State } from '../src/definition/method-decorators.js';
import { Service } from '../src/definition/service-decorator.js';
import type { CallContext } from '../src/invocation/call-context.js';
import { type testExecutor, valueOf } from './test-executor.js';

/** An object that counts. */
@Service('Sample', { package: 'test' })
export class Sample {
  /** what calls of all objects did, in order */
  static readonly log: string[] = [];
  /** what `wait` and `late` wait for */
  static gate: PromiseWithResolvers<void> = Promise.withResolvers();
  /** instances so far */
  static made = 0;

  /** A closed gate, and an empty log. */
  static begin(): void {
    Sample.log.length = 0;
    Sample.gate = Promise.withResolvers();
  }

  @Getter() @Setter() @State() count: number = 0;
  @State() list: number[] = [];
  unsaved = 0;

  constructor() {
    Sample.made += 1;
  }

  @Method() async add(by: number, { objectId }: CallContext): Promise<number> {
    Sample.log.push(`${objectId} begins ${by}`);
    await sleep(1);
    this.count += by;
    Sample.log.push(`${objectId} ends ${by}`);
    return this.count;
  }
  @Method() async wait(_: undefined, { objectId }: CallContext): Promise<void> {
    Sample.log.push(`${objectId} waits`);
    await Sample.gate.promise;
  }
  @Method({ timeoutMs: 20 }) async late(): Promise<void> {
    this.count = 100;
    await Sample.gate.promise;
    this.count = 1000;
  }
  @Method() breaks(): void {
    this.count = -1;
    this.list.push(-1);
    throw new Error('broken');
  }
  @Method({ retryCount: 1, retryDelayMs: 1 }) secondTime(): number {
    this.list.push(this.list.length);
    this.unsaved += 1;
    if (Sample.made % 2 === 1) throw new Error('first');
    return this.list.length;
  }
  @Method() unsayable(): void {
    (this as { count: unknown }).count = 1n;
  }
  @Getter() get greedy(): number {
    this.count += 1;
    return this.count;
  }
  @Method({ delivery: 'at-least-once' }) withdraw(amount: number): number {
    this.count -= amount;
    return this.count;
  }
  @Method({ delivery: 'at-least-once' }) deposit(amount: number): number {
    this.count += amount;
    return this.count;
  }
}

/** The count of an object, as a call gives it. */
export async function count(
  { call }: Pick<ReturnType<typeof testExecutor>, 'call'>,
  objectId: string,
): Promise<unknown> {
  return valueOf(await call('get_count', { objectId }));
}
