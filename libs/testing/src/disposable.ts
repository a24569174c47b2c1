/**
 * Gives a thing an end of its own, for `await using`.
 *
 * @param end called once, when the block that holds the thing is left; may be asynchronous
 * @returns the same thing
 */
export function disposable<T extends object>(thing: T, end: (thing: T) => unknown): T & AsyncDisposable {
  // Defined, not assigned: a Nest application is a proxy that refuses the latter.
  return Object.defineProperty(thing, Symbol.asyncDispose, {
    value: async () => {
      await end(thing);
    },
    configurable: true,
  }) as T & AsyncDisposable;
}

/**
 * Hands a thing out together with all that a set-up has started for it: they end with the thing, last first. A set-up
 * that fails on its way has its `await using stack` end what was there already.
 *
 * @param stack of the set-up; it is empty afterwards
 * @returns the same thing
 */
export function owning<T extends object>(thing: T, stack: AsyncDisposableStack): T & AsyncDisposable {
  const owned = stack.move();
  return disposable(thing, () => owned.disposeAsync());
}
