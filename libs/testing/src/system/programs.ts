import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { eventually } from '../index.js';

export interface ProgramOptions {
  /** standard streams; default: stdout and stderr are read */
  stdio?: StdioOptions;
  /** a command that starts the program, and ends with it: `nohup` */
  through?: string[];
}

/** A built program as a process of its own. */
export class Program implements AsyncDisposable {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  /** exit code, or the name of the signal that ended it */
  readonly exit: Promise<number | string>;

  constructor(
    app: 'gateway' | 'agent',
    args: string[],
    env: Record<string, string> = {},
    { stdio = ['ignore', 'pipe', 'pipe'], through = [] }: ProgramOptions = {},
  ) {
    const main = fileURLToPath(new URL(`../../../../apps/${app}/dist/main.js`, import.meta.url));
    const [command = process.execPath, ...rest] = [...through, process.execPath, main, ...args];
    this.child = spawn(command, rest, { cwd: tmpdir(), env: { PATH: process.env['PATH'] ?? '', ...env }, stdio });
    this.child.stdout?.on('data', (bytes: Buffer) => (this.stdout += bytes.toString()));
    this.child.stderr?.on('data', (bytes: Buffer) => (this.stderr += bytes.toString()));
    // `close` and not `exit`: by then all that it printed is here.
    this.exit = once(this.child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.child.kill(signal);
  }

  /** The first match in what it printed; fails when it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    return eventually(() => pattern.exec(this.stdout) ?? pattern.exec(this.stderr), 15_000);
  }

  /** Ends it by force if it still runs. */
  async end(): Promise<void> {
    this.kill('SIGKILL');
    await this.exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

export interface GatewayProgram extends AsyncDisposable {
  program: Program;
  adminPort: number;
  grpcPort: number;
}

/** `berth-gateway`, once it is ready. */
export async function gatewayProgram(
  range: { start: number; end: number },
  args: string[] = [],
  env: Record<string, string> = {},
  options: ProgramOptions = {},
): Promise<GatewayProgram> {
  const program = new Program(
    'gateway',
    args,
    {
      HTTP_PORT: '0',
      HTTP_AGENT_PORT_RANGE_START: String(range.start),
      HTTP_AGENT_PORT_RANGE_END: String(range.end),
      GRPC_HOST: '127.0.0.1',
      GRPC_PORT: '0',
      AGENT_PORTS_HOST: '127.0.0.1',
      ...env,
    },
    options,
  );
  const [, adminPort, grpcPort] = await program.printed(/"admin":"[^"]*:(\d+)","grpc":"[^"]*:(\d+)"/);
  return {
    program,
    adminPort: Number(adminPort),
    grpcPort: Number(grpcPort),
    [Symbol.asyncDispose]: () => program.end(),
  };
}
