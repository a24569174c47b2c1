import { eventually } from './eventually.js';

/**
 * Waits until a figure above zero has stood still over many turns of the event loop, and returns it.
 *
 * Both ends of a test run in one process, so turns are the clock that counts: a turn that took long by itself (a
 * collection, a compilation, a machine that did not run) would pass for stillness by the time alone, with data still
 * on its way.
 */
export async function settled(figure: () => number | Promise<number>): Promise<number> {
  let last = await figure();
  let turns = 0;
  return eventually(async () => {
    const now = await figure();
    turns = now === last && now > 0 ? turns + 1 : 0;
    last = now;
    return turns >= 50 ? last : undefined;
  }, 15_000);
}
