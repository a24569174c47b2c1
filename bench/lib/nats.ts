import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePortRange } from '@berth/testing';
import type { Processes, Running } from './processes.js';

const READY_MS = 30_000;

/** A NATS server of a scenario's own on 127.0.0.1, which can be stopped and started again with what is on its disk. */
export class NatsBroker {
  private running: Running | undefined;
  private readonly folder: string;

  private constructor(
    private readonly processes: Processes,
    private readonly port: number,
    directory: string,
  ) {
    this.folder = join(directory, `nats-${this.port}`);
    mkdirSync(this.folder);
  }

  /** Resolves when it answers. */
  static async start(processes: Processes, directory: string): Promise<NatsBroker> {
    const broker = new NatsBroker(processes, (await freePortRange(1)).start, directory);
    await broker.start();
    return broker;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (this.running === undefined) throw new Error('the broker is stopped');
    return this.running.pid;
  }

  /** Again, on the same port. */
  async start(): Promise<void> {
    const where = ['--addr', '127.0.0.1', '--port', String(this.port), '--jetstream', '--store_dir', this.folder];
    const running = this.processes.start('nats', 'nats-server', where);
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

async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (greeting) => {
      resolve(greeting.toString().startsWith('INFO '));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
