import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { freePortRange } from './ports.js';

const INSTALL = 'apt-get install -y redis-server';
const PROGRAMS = ['redis-server', 'valkey-server'];
/** A bound for a machine with other work, not a measure. */
const START_TIMEOUT_MS = 15_000;

let program: string | null | undefined;

function redisProgram(): string | null {
  program ??= PROGRAMS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0) ?? null;
  return program;
}

/** Whether this machine has a Redis or Valkey to start. */
export function hasRedisServer(): boolean {
  return redisProgram() !== null;
}

/**
 * `describe` for what needs a real Redis. Without one the suite is skipped under
 * a name that says how to install it; with `CI=true` that is a failure.
 */
export function describeWithRedis(name: string, body: () => void): void {
  if (hasRedisServer()) {
    describe(name, body);
    return;
  }
  if (process.env['CI'] === 'true') {
    describe(name, () => {
      it('needs a redis-server', () => {
        throw new Error(`no redis-server to start: ${INSTALL}`);
      });
    });
    return;
  }
  describe.skip(`${name} (no redis-server: ${INSTALL})`, body);
}

export interface RedisServerOptions {
  /** asked for with AUTH; default none */
  readonly password?: string;
  /** more of the program's flags, such as `['--maxmemory', '1mb']`; the last one of a name counts */
  readonly flags?: readonly string[];
}

/** A redis-server of a test's own on 127.0.0.1, which keeps every write on disk. */
export class RedisServer implements AsyncDisposable {
  #child: Child | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly options: RedisServerOptions,
  ) {}

  /** Resolves when it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let attempt = 1; ; attempt += 1) {
      const server = new RedisServer(
        (await freePortRange(1)).start,
        await mkdtemp(join(tmpdir(), 'berth-redis-')),
        options,
      );
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
    const { password } = this.options;
    return `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${this.port}`;
  }

  /** Of the running child, for signals such as SIGSTOP. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  /** Again, on the same port and with what is on disk. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('this redis-server runs');
    const name = redisProgram();
    if (name === null) throw new Error(`no redis-server to start: ${INSTALL}`);
    const child = new Child(name, this.#flags(), { stdio: ['ignore', 'pipe', 'pipe'], keptBytes: 4000 });
    this.#child = child;
    try {
      const { pid } = child.process;
      await child.until('an answer', START_TIMEOUT_MS, async () => {
        return (await answers(this.port, pid, this.options.password)) || undefined;
      });
    } catch (thrown) {
      await this.#end('SIGKILL');
      throw thrown;
    }
  }

  /** SIGTERM: it saves and says goodbye. Resolves when the process has ended. */
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
    if (this.#child !== undefined) throw new Error('this redis-server runs: stop it first');
    await rm(join(this.folder, 'appendonlydir'), { recursive: true, force: true });
    await rm(join(this.folder, 'dump.rdb'), { force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill(signal);
    // A stopped process (SIGSTOP) gets its signal when it goes on.
    child?.kill('SIGCONT');
    await child?.exit;
  }

  #flags(): string[] {
    const { password, flags = [] } = this.options;
    return [
      ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder],
      ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
      password === undefined ? [] : ['--requirepass', password],
      flags,
    ].flat();
  }
}

/**
 * Whether it takes commands: while it loads its files it answers PING with an error.
 *
 * @param pid of the one that is meant: another one may have taken the port
 */
function answers(port: number, pid: number | undefined, password: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const end = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    let replies = '';
    socket.on('data', (reply) => {
      replies += reply.toString();
      const [, last] = /(?:^|\n)(\+PONG|-[^\r\n]*)\r\n$/.exec(replies) ?? [];
      if (last !== undefined) end(last === '+PONG' && replies.includes(`\r\nprocess_id:${pid}\r\n`));
    });
    if (password !== undefined) socket.write(`*2\r\n$4\r\nAUTH\r\n$${Buffer.byteLength(password)}\r\n${password}\r\n`);
    socket.write('INFO server\r\nPING\r\n');
  });
}
