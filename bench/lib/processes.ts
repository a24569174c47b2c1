import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const KEPT_BYTES = 16_384;

export interface ProcessOptions {
  /** no setting files of a checkout shall be found here */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** what ends it at once; SIGKILL when not given, which children of its own would survive */
  readonly endSignal?: NodeJS.Signals;
}

/** A process of this benchmark, with the end of what it said. */
export class Running {
  readonly ended: Promise<number | null>;
  private readonly process: ChildProcess;
  private readonly endSignal: NodeJS.Signals;
  private said = '';
  private over = false;

  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
    { cwd, env, endSignal = 'SIGKILL' }: ProcessOptions,
  ) {
    this.endSignal = endSignal;
    this.process = spawn(command, args, {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, NODE_ENV: 'production', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // Helpers end when this pipe closes, so none is left when the benchmark itself is killed.
    this.process.stdin?.on('error', () => undefined);
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.said = (this.said + chunk.toString()).slice(-KEPT_BYTES)));
    }
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.over = true;
        resolve(code);
      };
      this.process.once('error', (error) => {
        this.said += error.message;
        end(null);
      });
      this.process.once('close', end);
    });
  }

  get pid(): number {
    if (this.process.pid === undefined || this.over) throw new Error(`${this.name} does not run\n${this.said}`);
    return this.process.pid;
  }

  get output(): string {
    return this.said;
  }

  /** Waits until `find` has a result; fails at once when the process ends. */
  async until<T>(
    what: string,
    timeoutMs: number,
    find: (said: string) => Promise<T | undefined> | T | undefined,
  ): Promise<T> {
    for (const end = performance.now() + timeoutMs; performance.now() < end;) {
      const result = await find(this.said);
      if (result !== undefined) return result;
      if (this.over) throw new Error(`${this.name} ended while waiting for ${what}\n${this.said}`);
      await sleep(25);
    }
    throw new Error(`${this.name}: ${what} not there after ${timeoutMs} ms\n${this.said}`);
  }

  /** First group of the first match in the output. */
  async says(pattern: RegExp, timeoutMs = 15_000): Promise<string> {
    return await this.until(String(pattern), timeoutMs, (said) => pattern.exec(said)?.[1]);
  }

  /** Waits for the end by itself. @returns all that it said (the last 16 KiB) */
  async finishes(timeoutMs: number): Promise<string> {
    const late = setTimeout(() => this.end(), timeoutMs);
    const code = await this.ended;
    clearTimeout(late);
    if (code !== 0) throw new Error(`${this.name} ended with ${String(code)}\n${this.said}`);
    return this.said;
  }

  /** A line to its standard input, for helpers that take commands. */
  send(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 12_000): Promise<void> {
    this.kill(signal);
    const late = setTimeout(() => this.kill('SIGKILL'), graceMs);
    await this.ended;
    clearTimeout(late);
  }

  /** Without a chance to finish anything. */
  end(): void {
    this.kill(this.endSignal);
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.over) this.process.kill(signal);
  }
}

/** All processes of a scenario: what was started through it ends with it. */
export class Processes {
  private readonly all = new Set<Running>();
  private closed = false;

  start(name: string, command: string, args: readonly string[], options: ProcessOptions = {}): Running {
    // A scenario that ran out of time may still be on its way to the next step.
    if (this.closed) throw new Error(`too late to start ${name}`);
    const running = new Running(name, command, args, options);
    this.all.add(running);
    void running.ended.then(() => this.all.delete(running));
    return running;
  }

  node(name: string, script: string, args: readonly string[] = [], options: ProcessOptions = {}): Running {
    return this.start(name, process.execPath, [script, ...args], options);
  }

  /** The newest first: clients before what they talk to. */
  async stopAll(): Promise<void> {
    this.closed = true;
    const running = [...this.all].reverse();
    await Promise.all(running.map(async (one) => await one.stop('SIGTERM', 5000)));
  }

  async endAll(): Promise<void> {
    this.closed = true;
    const running = [...this.all];
    for (const one of running) one.end();
    await Promise.all(running.map(async (one) => await one.ended));
  }
}
