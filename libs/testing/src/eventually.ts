/**
 * Waits until a condition holds; for what has no event to wait for.
 *
 * @param condition polled; a throw counts as "not yet", and the last one is shown
 * @param timeoutMs then it throws
 */
export async function eventually<T>(condition: () => T | Promise<T>, timeoutMs = 5000): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) return value;
      last = value;
    } catch (thrown) {
      last = thrown;
    }
    if (performance.now() > deadline)
      throw new Error(`not within ${timeoutMs} ms; last: ${String(last)}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
