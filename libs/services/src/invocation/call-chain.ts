import { AsyncLocalStorage } from 'node:async_hooks';
import { ServicesError } from '../errors.js';
import type { Invocation } from './invocation.js';

// The objects whose methods wait for a call travel with it, so that one that would wait for itself is refused before it
// is sent: keys of objects, outermost first, a line feed between them. No id has one.

/** Longest chain that a call carries, UTF-16 units. Of a longer one the outermost are left out: a ring is found later, or ends at a deadline. */
export const MAX_CHAIN_LENGTH = 4096;

/** The call whose method runs. Queues let one call begin in the other's place: it is set for each method. */
export const runningCall = new AsyncLocalStorage<{
  /** what calls of the method carry */
  readonly chain: string | undefined;
}>();

/** Of the method that runs, if one does. */
export function currentChain(): string | undefined {
  return runningCall.getStore()?.chain;
}

type Place = Pick<Invocation, 'service' | 'partition'>;

/** A chain with one more object. */
export function chainWith(chain: string | undefined, place: Place, objectId: string): string {
  const key = keyOf(place, objectId);
  let longer = chain === undefined ? key : `${chain}\n${key}`;
  while (longer.length > MAX_CHAIN_LENGTH && longer.includes('\n')) longer = longer.slice(longer.indexOf('\n') + 1);
  return longer;
}

/** @throws ServicesError `BERTH_SERVICE_CALL_CYCLE` one of those who wait is the object itself */
export function checkChain(chain: string, place: Place, objectId: string): void {
  const key = keyOf(place, objectId);
  const callers = callersOf(chain);
  const at = callers.indexOf(key);
  if (at < 0) return;
  const ring = [...callers.slice(at), key].join(' -> ');
  throw new ServicesError(
    'BERTH_SERVICE_CALL_CYCLE',
    `the call would wait for itself: ${ring}; call what need not be waited for with { detached: true }`,
  );
}

/** The keys in a chain. */
export function callersOf(chain: string | undefined): readonly string[] {
  return chain === undefined ? [] : chain.split('\n');
}

function keyOf({ service, partition }: Place, objectId: string): string {
  return `${service}/${partition}/${objectId}`;
}
