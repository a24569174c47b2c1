import { inspect } from 'node:util';
import { client, InvocationError, type InvocationBus } from 'berth-services';
import { Counter } from './counter.js';
import { TextTools } from './text-tools.js';

const COUNTER = 'visits';

/** Calls the services as any other process could, and prints each call with what came of it. */
export async function walkThrough(address: string, bus: InvocationBus): Promise<void> {
  await using tools = client(TextTools, { address });
  await using counters = client(Counter, { address, bus });

  console.log('\nFunctions, over gRPC:');
  const text = 'an object agent dials out and waits for work';
  await show(`shorten({ text: '${text}', words: 3 })`, tools.shorten({ text, words: 3 }));
  await show("upper('izmir')", tools.upper('izmir'));
  await show(
    "with({ options: { locale: 'tr' } }).upper('izmir')",
    tools.with({ options: { locale: 'tr' } }).upper('izmir'),
  );
  await show('shorten({ text: 7, words: 0 }), against its types', tools.shorten({ text: 7 as never, words: 0 }));

  const counter = counters.object(COUNTER);
  console.log(`\nThe object Counter '${COUNTER}', over gRPC:`);
  await show('step(5)', counter.step(5));
  await show('next()', counter.next());

  console.log('\nThe same object, over the bus to an agent:');
  await show('add(100)', counter.add(100));
  await show('add(-100_000)', counter.add(-100_000));
  const once = counters.object(COUNTER, { idempotencyKey: `order-${process.pid}` });
  await show('add(1), idempotency key K', once.add(1));
  await show('add(1), idempotency key K again: the first reply', once.add(1));
  await show('value()', counter.value());
  await show('servedBy(), 8 times', tally(Array.from({ length: 8 }, () => counters.servedBy())));
}

async function show(call: string, result: Promise<unknown>): Promise<void> {
  console.log(`  ${call}\n    → ${await outcome(result)}`);
}

async function outcome(result: Promise<unknown>): Promise<string> {
  try {
    const value = await result;
    return value === undefined ? 'done' : inspect(value, { breakLength: Infinity });
  } catch (thrown) {
    if (!(thrown instanceof InvocationError)) throw thrown;
    return `${thrown.status} ${thrown.appCode}: ${thrown.message}`;
  }
}

/** How often each answer came. */
async function tally(calls: readonly Promise<string>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const answer of await Promise.all(calls)) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}
