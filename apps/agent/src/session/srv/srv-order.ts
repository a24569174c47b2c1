import type { SrvRecord } from 'node:dns';

/**
 * Targets in the order in which a client tries them (RFC 2782): the lowest priority first; among equals each is drawn
 * by its weight, and those with weight 0 come early only now and then.
 *
 * @param count targets that are wanted at most
 * @param random 0 <= x < 1, as Math.random gives
 */
export function orderByWeight<T extends Pick<SrvRecord, 'priority' | 'weight'>>(
  records: readonly T[],
  count: number,
  random: () => number = Math.random,
): T[] {
  const left = records.toSorted((a, b) => a.priority - b.priority || a.weight - b.weight);
  const ordered: T[] = [];
  while (left.length > 0 && ordered.length < count) {
    const { priority } = left[0] as T;
    const next = left.findIndex((each) => each.priority !== priority);
    const equals = next < 0 ? left.length : next;
    ordered.push(...left.splice(drawn(left.slice(0, equals), random), 1));
  }
  return ordered;
}

/** @param equals those with weight 0 first */
function drawn(equals: readonly Pick<SrvRecord, 'weight'>[], random: () => number): number {
  const sum = equals.reduce((all, { weight }) => all + weight, 0);
  // "In any order" is the same for all agents of a domain that gives no weights, if it is the order of the answer.
  if (sum === 0) return Math.floor(random() * equals.length);
  // 0 is for those with weight 0: without them it would be one chance more for the first, which is much beside small weights.
  const lowest = equals[0]?.weight === 0 ? 0 : 1;
  const wanted = lowest + Math.floor(random() * (sum + 1 - lowest));
  let running = 0;
  return equals.findIndex(({ weight }) => (running += weight) >= wanted);
}
