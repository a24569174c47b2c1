import { AppError, Getter, Method, Service, ServiceObject, Setter, State } from 'berth-services';

/**
 * A service of objects: each counter has its own state, and its calls run one
 * at a time. `ServiceObject` is only needed for `objectId` and the agent
 * shortcuts.
 */
@Service('Counter', { package: 'example' })
export class Counter extends ServiceObject {
  /** kept in the object store, and readable from outside */
  @Getter() @State() value: number = 0;

  /** readable and writable; the field's type is what a written value is checked against */
  @Getter() @Setter() @State() step: number = 1;

  /** Served by the function server. Nobody sends it twice. */
  @Method()
  next(): number {
    this.value += this.step;
    return this.value;
  }

  /**
   * Served by agents. When an agent dies with it another one runs it again, and
   * state and reply are saved together: the counter still moves once.
   */
  @Method({ serveWithAgent: true, delivery: 'at-least-once' })
  add(amount: number): number {
    if (this.value + amount < 0)
      throw new AppError('COUNTER_TOO_LOW', `counter ${this.objectId ?? ''} has only ${this.value}`, {
        value: this.value,
      });
    this.value += amount;
    return this.value;
  }

  /** Needs no object; shows which of several agents took a call. */
  @Method({ serveWithAgent: true, stateless: true })
  servedBy(): string {
    return `process ${process.pid}`;
  }
}
