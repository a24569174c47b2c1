/**
 * Size of V8's young generation, MiB for each of its halves.
 *
 * Relayed bytes live in 64 KiB buffers outside the heap, and die young. With
 * V8's 16 MiB some hundred MiB of dead buffers pile up before a young collection
 * frees them, and their pressure forces full collections instead: bulk transfers
 * ran at a third of the speed. docs/decisions/0010-young-heap.md has the figures.
 */
const YOUNG_HALF_MIB = 2;

const FLAG = '--max-semi-space-size';

/**
 * Goes on in the same process with a young heap that suits a relay, unless the
 * caller chose one. V8 reads the size when it starts, hence the `execve`: same
 * pid, arguments, environment and open files. Where Node has none (Windows),
 * nothing happens.
 */
export function useSmallYoungHeap(): void {
  const { execPath, execArgv, argv, env } = process;
  const chosen = [...execArgv, env['NODE_OPTIONS'] ?? ''].some((option) => option.replaceAll('_', '-').includes(FLAG));
  if (chosen || typeof process.execve !== 'function' || process.platform === 'win32') return;
  process.execve(execPath, [execPath, `${FLAG}=${YOUNG_HALF_MIB}`, ...execArgv, ...argv.slice(1)], env);
}
