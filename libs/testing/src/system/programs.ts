import type { StdioOptions } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Child } from '../index.js';

export interface ProgramOptions {
  /** standard streams; default: stdout and stderr are read */
  stdio?: StdioOptions;
  /** a command that starts the program, and ends with it: `nohup` */
  through?: string[];
  /** a terminal of its own, by `script` of util-linux: what it writes comes as stdout, and its lines end with CR LF */
  terminal?: boolean;
}

/** A built program as a process of its own. */
export class Program extends Child {
  constructor(
    app: 'gateway' | 'agent',
    args: string[],
    env: Record<string, string> = {},
    { stdio = ['ignore', 'pipe', 'pipe'], through = [], terminal = false }: ProgramOptions = {},
  ) {
    const main = fileURLToPath(new URL(`../../../../apps/${app}/dist/main.js`, import.meta.url));
    const plain = [...through, process.execPath, main, ...args];
    const [command = '', ...rest] = terminal
      ? ['script', '-qefc', `exec ${plain.map(quoted).join(' ')}`, '/dev/null']
      : plain;
    super(command, rest, { name: app, cwd: tmpdir(), env: { PATH: process.env['PATH'] ?? '', ...env }, stdio });
  }
}

/** For a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Where clients reach an agent that runs as a program, once it is registered. */
export async function urlOf(agent: Program): Promise<{ url: string; port: number }> {
  const [, url = '', port] = await agent.printed(/"event":"registered"[^\n]*"url":"(\w+:\/\/127\.0\.0\.1:(\d+))"/);
  return { url, port: Number(port) };
}

export interface GatewayProgram extends AsyncDisposable {
  program: Program;
  adminPort: number;
  grpcPort: number;
}

/** Variables that have a gateway listen on loopback alone, on ports that nobody has. */
export function gatewayEnv(range: { start: number; end: number }): Record<string, string> {
  return {
    HTTP_PORT: '0',
    HTTP_AGENT_PORT_RANGE_START: String(range.start),
    HTTP_AGENT_PORT_RANGE_END: String(range.end),
    GRPC_HOST: '127.0.0.1',
    GRPC_PORT: '0',
    AGENT_PORTS_HOST: '127.0.0.1',
  };
}

/** `berth-gateway`, once it is ready. */
export async function gatewayProgram(
  range: { start: number; end: number },
  args: string[] = [],
  env: Record<string, string> = {},
  options: ProgramOptions = {},
): Promise<GatewayProgram> {
  const program = new Program('gateway', args, { ...gatewayEnv(range), ...env }, options);
  const [, adminPort, grpcPort] = await program.printed(/"admin":"[^"]*:(\d+)","grpc":"[^"]*:(\d+)"/);
  return {
    program,
    adminPort: Number(adminPort),
    grpcPort: Number(grpcPort),
    [Symbol.asyncDispose]: () => program.end(),
  };
}
