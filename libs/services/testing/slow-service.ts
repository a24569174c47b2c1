import type { BusSubscription } from '../src/bus/invocation-bus.js';
import { MemoryBus } from '../src/bus/memory-bus.js';
import { Method } from '../src/definition/method-decorators.js';
import { Service } from '../src/definition/service-decorator.js';
import { ServicesError } from '../src/errors.js';
import type { CallContext } from '../src/invocation/call-context.js';

/** What methods wait for. */
class Gate {
  open = (): void => undefined;
  reached = (): void => undefined;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
  readonly begun = new Promise<void>((resolve) => (this.reached = resolve));
}

/** Its calls run until the gate is open. */
@Service('Slow', { package: 'close' })
export class Slow {
  static gate = new Gate();
  /** of the calls that began, in order */
  static readonly signals: AbortSignal[] = [];

  /** A closed gate, and no calls yet. */
  static begin(): void {
    Slow.gate = new Gate();
    Slow.signals.splice(0);
  }

  @Method({ stateless: true }) wait(_: undefined, { signal }: CallContext): Promise<string> {
    return held(signal);
  }
  @Method({ stateless: true, serveWithAgent: true }) work(_: undefined, { signal }: CallContext): Promise<string> {
    return held(signal);
  }
}

async function held(signal: AbortSignal): Promise<string> {
  const { gate, signals } = Slow;
  signals.push(signal);
  gate.reached();
  await gate.opened;
  return 'ended';
}

/** A bus whose broker answers when it is told to. */
export class SlowBus extends MemoryBus {
  answer = (): void => undefined;
  refuse = (_error: Error): void => undefined;
  readonly #answered = new Promise<void>((resolve, reject) => {
    this.answer = resolve;
    this.refuse = reject;
  });

  override async serve(...args: Parameters<MemoryBus['serve']>): Promise<BusSubscription> {
    await this.#answered;
    return super.serve(...args);
  }
}

/** A few turns of the event loop. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The code that a call failed with, or what it gave. */
export function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => value,
    (thrown: unknown) => (thrown instanceof ServicesError ? thrown.code : thrown),
  );
}
