import { isSea } from 'node:sea';

/**
 * What suits a relay of V8's heap; sizes in MiB.
 *
 * Relayed bytes live in 64 KiB buffers outside the heap, and die young. With
 * V8's 16 MiB for each half of the young generation some hundred MiB of dead
 * buffers pile up before a young collection frees them, and their pressure
 * forces full collections instead: bulk transfers ran at a third of the speed.
 * The same pressure counts against the limit of the old generation, which V8
 * starts small: from one transfer to the next it was in a state where marking
 * and sweeping took 40 % of the CPU, or was not.
 * docs/decisions/0010-young-heap.md has the figures.
 */
const HEAP_FLAGS = ['--max-semi-space-size=2', '--initial-old-space-size=128'];

/** Of a program that has dead buffers collected, see `collectDeadBuffers` in @berth/exchange. */
export const COLLECTOR_FLAG = '--expose-gc';

/** The flags that the caller has not chosen. @param more beside those of every relay */
export function heapFlags(execArgv: readonly string[], nodeOptions: string, more: readonly string[] = []): string[] {
  const options = [...execArgv, nodeOptions].map((option) => option.replaceAll('_', '-'));
  return [...HEAP_FLAGS, ...more].filter((flag) => {
    const [name = ''] = flag.split('=', 1);
    return !options.some((option) => option.includes(name));
  });
}

/**
 * Goes on in the same process with a heap that suits a relay, but for sizes that
 * the caller chose. V8 reads them when it starts, hence the `execve`: same pid,
 * arguments, environment and open files. Where Node has none (Windows), nothing
 * happens. A single executable has the flags built in, and would take these for
 * its program's.
 *
 * @param more flags beside those of every relay
 */
export function useSmallYoungHeap(more: readonly string[] = []): void {
  if (isSea()) return;
  const { execPath, execArgv, argv, env } = process;
  const flags = heapFlags(execArgv, env['NODE_OPTIONS'] ?? '', more);
  if (flags.length === 0 || typeof process.execve !== 'function' || process.platform === 'win32') return;
  process.execve(execPath, [execPath, ...flags, ...execArgv, ...argv.slice(1)], env);
}
