import { Child } from '@berth/testing';

const KEPT_BYTES = 16_384;

export interface ProcessOptions {
  /** no setting files of a checkout shall be found here */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** what ends it at once; SIGKILL when not given, which children of its own would survive */
  readonly endSignal?: NodeJS.Signals;
}

/** A process of this benchmark, with the end of what it said. */
export class Running extends Child {
  constructor(name: string, command: string, args: readonly string[], { env, ...options }: ProcessOptions) {
    super(command, args, {
      name,
      keptBytes: KEPT_BYTES,
      env: { ...process.env, NODE_ENV: 'production', ...env },
      ...options,
    });
  }

  /** First group of the first match in the output. */
  async says(pattern: RegExp, timeoutMs?: number): Promise<string> {
    const [, group = ''] = await this.printed(pattern, timeoutMs);
    return group;
  }

  /** Waits for the end by itself. @returns all that it said (the last 16 KiB) */
  async finishes(timeoutMs: number): Promise<string> {
    const late = setTimeout(() => void this.end(), timeoutMs);
    const code = await this.exit;
    clearTimeout(late);
    if (code !== 0) throw new Error(`${this.name} ended with ${String(code)}\n${this.output}`);
    return this.output;
  }

  /** A line to its standard input, for helpers that take commands. */
  send(line: string): void {
    this.process.stdin?.write(`${line}\n`);
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
    void running.exit.then(() => this.all.delete(running));
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
    await Promise.all(running.map(async (one) => await one.end()));
  }
}
