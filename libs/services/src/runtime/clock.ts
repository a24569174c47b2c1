const ORIGIN = performance.timeOrigin;

/**
 * Whole ms since 1970 by a clock that nobody sets: it began with what the system's clock said when the process did.
 * Deadlines inside of the library are by it, so that a system's clock that is set while calls run changes nothing.
 */
export function steadyNow(): number {
  return Math.floor(ORIGIN + performance.now());
}

/** A time by {@link steadyNow} as the system's clock has it now: for methods and other libraries. */
export function systemTime(steady: number): number {
  return steady - steadyNow() + Date.now();
}

/** The reverse of {@link systemTime}. */
export function steadyTime(system: number): number {
  return system - Date.now() + steadyNow();
}
