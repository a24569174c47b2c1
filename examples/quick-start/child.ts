import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

const KEPT_LINES = 20;

/** How a child ended; `error` when it never started. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: Error;
}

/** A process of ours whose lines go to stdout with its name in front. */
export class Child {
  /** The newest lines, for the case that it ends early. */
  readonly lastLines: string[] = [];
  readonly ended: Promise<Ending>;
  private readonly process: ChildProcess;
  private running = true;

  /**
   * @param quiet keep the lines for {@link lastLines} only
   */
  constructor(
    readonly name: string,
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    private readonly quiet = false,
  ) {
    // A group of its own: the terminal's Ctrl-C would reach the children before us, and out of order.
    this.process = spawn(process.execPath, [script, ...args], {
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = new Promise((resolve) => {
      const end = (ending: Ending): void => {
        this.running = false;
        resolve(ending);
      };
      this.process.once('error', (error) => end({ code: null, signal: null, error }));
      // Not 'exit': the last lines may still be in the pipe then.
      this.process.once('close', (code, signal) => end({ code, signal }));
    });
    this.readLines();
  }

  /** @returns the first group of what matches in its output from now on; rejects when the child ends without it */
  async find(pattern: RegExp): Promise<string> {
    return await new Promise((resolve, reject) => {
      const { stdout } = this.process;
      let text = '';
      const look = (chunk: Buffer): void => {
        text += chunk.toString();
        const found = pattern.exec(text)?.[1];
        if (found === undefined) return;
        stdout?.off('data', look);
        resolve(found);
      };
      stdout?.on('data', look);
      void this.ended.then(() => reject(new Error(`${this.name} ended before it was ready`)));
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.process.kill(signal);
  }

  private readLines(): void {
    for (const stream of [this.process.stdout, this.process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.lastLines.push(line);
        if (this.lastLines.length > KEPT_LINES) this.lastLines.shift();
        if (!this.quiet) console.log(`[${this.name}] ${line}`);
      });
    }
  }
}

export function describeEnding({ code, signal, error }: Ending): string {
  if (error) return `could not be started: ${error.message}`;
  return signal === null ? `ended with exit code ${String(code)}` : `was ended by ${signal}`;
}
