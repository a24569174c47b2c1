import { type Invocation, invocationKey } from '../src/invocation/invocation.js';
import type { DeadLetter } from '../src/letters/dead-letter.js';
import { invocation } from './bus/lab.js';

const AT = '2026-01-02T03:04:05.678Z';

/** The letter of a call of `shop.Counter` in partition 0 that failed. */
export function sampleLetter(part: Partial<Invocation> = {}, more: Partial<DeadLetter> = {}): DeadLetter {
  const call = invocation(part);
  const about = { delivery: 'at-least-once', attempts: 1, reason: 'failed', message: 'no', at: AT } as const;
  return { id: call.id, key: invocationKey(call), invocation: call, ...about, ...more };
}
