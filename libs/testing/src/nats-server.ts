import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { freePortRange } from './ports.js';

const INSTALL = 'apt-get install -y nats-server';
/** A bound for a machine with other work, not a measure. */
const START_TIMEOUT_MS = 15_000;

let found: boolean | undefined;

/** Whether this machine has a NATS server to start. */
export function hasNatsServer(): boolean {
  found ??= spawnSync('nats-server', ['--version'], { stdio: 'ignore' }).status === 0;
  return found;
}

/**
 * `describe` for what needs a real NATS server. Without one the suite is skipped under a name that says how to install
 * it; with `CI=true` that is a failure.
 */
export function describeWithNats(name: string, body: () => void): void {
  if (hasNatsServer()) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      it('needs a nats-server', () => {
        throw new Error(`no nats-server to start: ${INSTALL}`);
      });
    });
  } else {
    describe.skip(`${name} (no nats-server: ${INSTALL})`, body);
  }
}

export interface NatsServerOptions {
  /** more lines of its configuration file, such as `authorization { token: s }` */
  readonly config?: string;
  /** whether it keeps streams and values, default true */
  readonly jetStream?: boolean;
  /** the largest message, bytes; default 8 MiB */
  readonly maxPayload?: number;
}

/** A nats-server of a test's own on 127.0.0.1, with JetStream on disk. */
export class NatsServer implements AsyncDisposable {
  #child: Child | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly options: NatsServerOptions,
  ) {}

  /** Resolves when it answers. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    for (let attempt = 1; ; attempt += 1) {
      const { start: port } = await freePortRange(1);
      const server = new NatsServer(port, await mkdtemp(join(tmpdir(), 'berth-nats-')), options);
      try {
        await server.start();
        return server;
      } catch (thrown) {
        await server.close();
        // Between the look and the start somebody else may take a free port.
        if (attempt === 3) throw thrown;
      }
    }
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Of the running child, for signals such as SIGSTOP. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  /** Again, on the same port and with what is on disk. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('this nats-server runs');
    if (!hasNatsServer()) throw new Error(`no nats-server to start: ${INSTALL}`);
    const file = join(this.folder, 'nats.conf');
    const { config = '', jetStream = true, maxPayload = 8 * 1024 * 1024 } = this.options;
    await writeFile(
      file,
      [
        `listen: "127.0.0.1:${this.port}"`,
        `max_payload: ${maxPayload}`,
        jetStream ? `jetstream { store_dir: "${join(this.folder, 'jetstream')}" }` : '',
        config,
      ].join('\n'),
    );
    const child = new Child('nats-server', ['-c', file], { stdio: ['ignore', 'pipe', 'pipe'], keptBytes: 4000 });
    this.#child = child;
    try {
      await child.until('an answer', START_TIMEOUT_MS, async () => (await answers(this.port)) || undefined);
    } catch (thrown) {
      await this.#end('SIGKILL');
      throw thrown;
    }
  }

  /** SIGTERM: it says goodbye. Resolves when the process has ended. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** SIGKILL: as if the machine had lost power, but for the disk. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Ends it and removes its files. */
  async close(): Promise<void> {
    await this.#end('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Removes its files: what starts next knows nothing. Only while it is stopped. */
  async forget(): Promise<void> {
    if (this.#child !== undefined) throw new Error('this nats-server runs: stop it first');
    await rm(join(this.folder, 'jetstream'), { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill(signal);
    // A stopped process (SIGSTOP) gets its signal when it goes on.
    child?.kill('SIGCONT');
    await child?.exit;
  }
}

/** Whether it greets, as it does once it takes connections. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.once('data', (greeting) => end(greeting.toString().startsWith('INFO ')));
  });
}
