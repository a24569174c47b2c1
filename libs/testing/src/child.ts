import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ChildOptions {
  /** for messages; default: the command */
  name?: string;
  cwd?: string;
  /** all of its environment; default: that of this process */
  env?: NodeJS.ProcessEnv;
  /** standard streams; default: stdin is a pipe, stdout and stderr are read */
  stdio?: StdioOptions;
  /** what ends it at once; default SIGKILL, which children of its own would survive */
  endSignal?: NodeJS.Signals;
  /** of each stream so much is kept, its end; default 4 MiB */
  keptBytes?: number;
}

/** A process of a test or of a benchmark: its output is kept, and it ends with the block that holds it. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly name: string;
  stdout = '';
  stderr = '';
  /** Exit code, or the name of the signal that ended it, or of the error with which it did not start. */
  readonly exit: Promise<number | string>;
  private readonly endSignal: NodeJS.Signals;
  private over = false;

  constructor(
    command: string,
    args: readonly string[],
    { name = command, stdio = 'pipe', endSignal = 'SIGKILL', keptBytes = 4_194_304, ...options }: ChildOptions = {},
  ) {
    this.name = name;
    this.endSignal = endSignal;
    this.process = spawn(command, args, { ...options, stdio });
    // Many a helper ends when this pipe closes, so none is left when this process is killed.
    this.process.stdin?.on('error', () => undefined);
    this.process.stdout?.on('data', (bytes: Buffer) => (this.stdout = (this.stdout + String(bytes)).slice(-keptBytes)));
    this.process.stderr?.on('data', (bytes: Buffer) => (this.stderr = (this.stderr + String(bytes)).slice(-keptBytes)));
    this.exit = this.ending().finally(() => (this.over = true));
  }

  /** @throws when it does not run any more */
  get pid(): number {
    if (this.process.pid === undefined || this.over) throw new Error(`${this.name} does not run\n${this.output}`);
    return this.process.pid;
  }

  /** What it said: stdout, then stderr. */
  get output(): string {
    return this.stdout + this.stderr;
  }

  /**
   * Waits until `find` has a result.
   *
   * @throws when the process ends without, and after `timeoutMs`
   */
  async until<T>(what: string, timeoutMs: number, find: () => Promise<T | undefined> | T | undefined): Promise<T> {
    for (const deadline = performance.now() + timeoutMs; performance.now() < deadline;) {
      // Asked before the search: what it said last is there by then.
      const { over } = this;
      const result = await find();
      if (result !== undefined) return result;
      if (over) throw new Error(`${this.name} has ended: ${what} did not come\n${this.output}`);
      await sleep(10);
    }
    throw new Error(`${this.name}: ${what} not there after ${timeoutMs} ms\n${this.output}`);
  }

  /** The first match in what it says on either stream. */
  async printed(pattern: RegExp, timeoutMs = 15_000): Promise<RegExpExecArray> {
    const match = (): RegExpExecArray | undefined =>
      pattern.exec(this.stdout) ?? pattern.exec(this.stderr) ?? undefined;
    return await this.until(String(pattern), timeoutMs, match);
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (!this.over) this.process.kill(signal);
  }

  /** Asks it to end, and makes it end after `graceMs`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 12_000): Promise<void> {
    this.kill(signal);
    const late = setTimeout(() => this.kill('SIGKILL'), graceMs);
    await this.exit;
    clearTimeout(late);
  }

  /** Ends it by force if it still runs. */
  async end(): Promise<void> {
    this.kill(this.endSignal);
    // One that was stopped gets its signal when it goes on.
    this.kill('SIGCONT');
    await this.exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  private async ending(): Promise<number | string> {
    try {
      // `close` and not `exit`: by then all that it printed is here.
      const [code, signal] = (await once(this.process, 'close')) as [number | null, NodeJS.Signals | null];
      return code ?? signal ?? 0;
    } catch (thrown) {
      const { code = 'ERROR', message } = thrown as NodeJS.ErrnoException;
      this.stderr += message;
      return code;
    }
  }
}
