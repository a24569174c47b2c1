import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

/** Of what a command says, its end is kept, bytes. */
const MAX_OUTPUT_BYTES = 4096;
/** For the last words of a command that has ended, ms: a child of it may keep the pipe open for ever. */
const LAST_WORDS_MS = 200;

/**
 * Runs a program without a shell, with a text on standard input.
 *
 * @param command program and arguments
 * @param timeoutMs then it is killed, with the processes that it started
 * @param signal ends it earlier in the same way
 * @returns what the command did, such as `ended with exit code 3` and the last line of its standard error; undefined
 * for exit code 0
 * @throws Error when the process cannot be made at all
 */
export async function runCommand(
  command: readonly string[],
  input: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [program = '', ...args] = command;
  // A group of its own, so that nothing of it is left when it is killed.
  const child: ChildProcess = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
  // It may end without having read it all.
  child.stdin?.on('error', () => undefined).end(input);
  const said = keepEnd(child.stderr);
  const deadline = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
  try {
    const [code, killedBy] = (await once(child, 'exit', { signal: deadline })) as [number | null, string | null];
    if (code === 0) return undefined;
    await once(child, 'close', { signal: AbortSignal.timeout(LAST_WORDS_MS) }).catch(() => undefined);
    return withLastLine(
      code === null ? `was ended by ${killedBy ?? 'a signal'}` : `ended with exit code ${code}`,
      said(),
    );
  } catch (thrown) {
    if (!deadline.aborted) return `cannot be run: ${(thrown as NodeJS.ErrnoException).code ?? String(thrown)}`;
    killGroup(child);
    if (signal.aborted) return 'was ended, because the agent is shutting down';
    return withLastLine(`did not end within ${timeoutMs} ms (configPush.timeoutMs)`, said());
  } finally {
    child.stderr?.destroy();
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

/** @returns gives the end of what has come so far */
function keepEnd(stream: Readable | null): () => string {
  let kept: Buffer = Buffer.alloc(0);
  stream?.on('error', () => undefined);
  stream?.on('data', (bytes: Buffer) => {
    kept = Buffer.concat([kept, bytes]).subarray(-MAX_OUTPUT_BYTES);
  });
  return () => kept.toString();
}

function withLastLine(what: string, output: string): string {
  const line =
    output
      .trim()
      .split(/\r?\n|\r/)
      .at(-1) ?? '';
  return line === '' ? what : `${what}: ${line}`;
}
