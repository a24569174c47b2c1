/** `npm run dev`, `npm run debug`: compiler, gateway and agent; both programs restart when what they import has changed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { COLLECTOR_FLAG, heapFlags } from '@berth/node-runtime';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** The programs' own flags: with them they do not replace their process, which would cut it off from the watcher. */
const HEAP = heapFlags([], process.env['NODE_OPTIONS'] ?? '', [COLLECTOR_FLAG]);
const TARGET = 'http://127.0.0.1:3000';

const debug = process.argv.includes('--debug');
const given = process.argv.slice(2).filter((argument) => argument !== '--debug');
const token = process.env['BERTH_TOKEN'] ?? process.env['AUTH_TOKEN'] ?? randomBytes(32).toString('hex');
const env = {
  ...process.env,
  AUTH_TOKEN: token,
  AGENT_TOKEN: token,
  ...(debug ? { LOG_LEVEL: 'debug', AGENT_LOG_LEVEL: 'debug' } : {}),
};
const children: ChildProcess[] = [];
let ending = false;

/** In a process group of its own, so that Ctrl-C reaches this process alone and the order of ending is kept. */
function start(args: readonly string[]): void {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  children.push(child);
  child.once('exit', () => void end(1));
}

function program(file: string, inspectPort: number, args: readonly string[]): void {
  const inspect = debug ? [`--inspect=127.0.0.1:${inspectPort}`] : [];
  start(['--watch', '--watch-preserve-output', ...HEAP, '--enable-source-maps', ...inspect, file, ...args]);
}

/** The agent first, then the gateway, then the compiler. */
async function end(code: number): Promise<void> {
  if (ending) return;
  ending = true;
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }
  process.exit(code);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end(0));

start(['node_modules/typescript/bin/tsc', '-b', 'tsconfig.build.json', '--watch', '--preserveWatchOutput']);
program('apps/gateway/dist/main.js', 9229, []);
program('apps/agent/dist/main.js', 9230, given.length > 0 ? given : [TARGET, '--id', 'dev']);
