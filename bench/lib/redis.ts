import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePortRange } from '@berth/testing';
import type { Processes, Running } from './processes.js';

const PROGRAMS = ['redis-server', 'valkey-server'] as const;
const READY_MS = 30_000;

/** How safely a broker keeps what it is told: not at all, on disk within a second, on disk before it answers. */
export type Persistence = 'off' | 'everysec' | 'always';

/** The one that is installed; setup.sh sees to it that there is one. */
export function redisProgram(): string {
  const [first, second] = PROGRAMS;
  return spawnSync(first, ['--version'], { stdio: 'ignore' }).status === 0 ? first : second;
}

/** A broker of a scenario's own on 127.0.0.1, which can be stopped and started again with what is on its disk. */
export class RedisBroker {
  private running: Running | undefined;
  private readonly folder: string;

  private constructor(
    private readonly processes: Processes,
    private readonly port: number,
    directory: string,
    private readonly persistence: Persistence,
  ) {
    this.folder = join(directory, `redis-${this.port}`);
    mkdirSync(this.folder);
  }

  /** Resolves when it answers. */
  static async start(processes: Processes, directory: string, persistence: Persistence): Promise<RedisBroker> {
    const broker = new RedisBroker(processes, (await freePortRange(1)).start, directory, persistence);
    await broker.start();
    return broker;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (this.running === undefined) throw new Error('the broker is stopped');
    return this.running.pid;
  }

  /** Again, on the same port. */
  async start(): Promise<void> {
    const keep = this.persistence === 'off' ? ['--appendonly', 'no'] : ['--appendonly', 'yes'];
    const sync = this.persistence === 'off' ? [] : ['--appendfsync', this.persistence];
    const where = ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder, '--save', ''];
    const running = this.processes.start('redis', redisProgram(), [...where, ...keep, ...sync]);
    this.running = running;
    await running.until('an answer', READY_MS, async () => (await answers(this.port)) || undefined);
  }

  /** Resolves when the process has ended; SIGKILL is as if it had crashed. */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const running = this.running;
    this.running = undefined;
    await running?.stop(signal);
  }
}

/** Whether it takes commands: while it reads its files it answers with an error. */
async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (reply) => {
      resolve(reply.toString().startsWith('+PONG'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
