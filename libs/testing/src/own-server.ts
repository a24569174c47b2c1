import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.js';
import { eventually } from './eventually.js';
import { freePortRange } from './ports.js';

/** A bound for a machine with other work, not a measure. */
const START_TIMEOUT_MS = 15_000;

/** A program that tests start for themselves, where the machine has it. */
export class Installed {
  #program: string | null | undefined;

  /** @param names of the program, the usual one first; it is also that of Debian's package */
  constructor(private readonly names: readonly [string, ...string[]]) {}

  /** @throws Error that says how to install it */
  get program(): string {
    if (this.#found === null) throw new Error(`no ${this.names[0]} to start: ${this.#install}`);
    return this.#found;
  }

  get isThere(): boolean {
    return this.#found !== null;
  }

  /**
   * `describe` for what needs it. Without it the suite is skipped under a name
   * that says how to install it; with `CI=true` that is a failure.
   */
  describe(name: string, body: () => void): void {
    if (this.isThere) describe(name, body);
    else if (process.env['CI'] === 'true') {
      describe(name, () => {
        it(`needs a ${this.names[0]}`, () => {
          expect(this.program).toBe(this.names[0]);
        });
      });
    } else describe.skip(`${name} (no ${this.names[0]}: ${this.#install})`, body);
  }

  get #found(): string | null {
    this.#program ??=
      this.names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0) ?? null;
    return this.#program;
  }

  get #install(): string {
    return `apt-get install -y ${this.names[0]}`;
  }
}

/** A place of its own for one server: a port, and a folder that goes with it. */
export interface Place {
  readonly port: number;
  readonly folder: string;
}

/** A server of a test's own on 127.0.0.1, which keeps on disk what it is given. */
export abstract class OwnServer implements AsyncDisposable {
  readonly port: number;
  protected readonly folder: string;
  #child: Child | undefined;

  protected constructor({ port, folder }: Place) {
    this.port = port;
    this.folder = folder;
  }

  abstract get url(): string;

  /** What is started: a program, and its arguments. */
  protected abstract command(): Promise<readonly [program: string, args: readonly string[]]>;

  /** Whether it takes commands. @param pid of the one that is meant: another one may have taken the port */
  protected abstract answers(pid: number | undefined): Promise<boolean>;

  /** Names in its folder of what it knows. */
  protected abstract readonly memory: readonly string[];

  /** Starts one where nobody else is. Resolves when it answers. */
  protected static async startOne<S extends OwnServer>(make: (place: Place) => S): Promise<S> {
    for (let attempt = 1; ; attempt += 1) {
      const { start: port } = await freePortRange(1);
      const server = make({ port, folder: await mkdtemp(join(tmpdir(), 'berth-server-')) });
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

  /** Of the running child. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  /** SIGSTOP. Resolves when it stands still: until one of its threads has taken the signal, the others go on. */
  async pause(): Promise<void> {
    const { pid } = this;
    this.#child?.kill('SIGSTOP');
    await eventually(async () => {
      const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
      // Behind the name, which may hold anything.
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
    });
  }

  /** SIGCONT. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Again, on the same port and with what is on disk. */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error('this server runs');
    const [program, args] = await this.command();
    const child = new Child(program, args, { stdio: ['ignore', 'pipe', 'pipe'], keptBytes: 4000 });
    this.#child = child;
    try {
      const { pid } = child.process;
      await child.until('an answer', START_TIMEOUT_MS, async () => (await this.answers(pid)) || undefined);
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
    if (this.#child !== undefined) throw new Error('this server runs: stop it first');
    for (const name of this.memory) await rm(join(this.folder, name), { recursive: true, force: true });
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

/**
 * Asks a server over a connection of its own, for a second at the most.
 *
 * @param question sent at once
 * @param judge of all that has come; undefined: more is needed
 */
export function asked(port: number, question: string, judge: (said: string) => boolean | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = connect({ port, host: '127.0.0.1' });
    const end = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    let said = '';
    socket.on('data', (bytes) => {
      said += bytes.toString();
      const verdict = judge(said);
      if (verdict !== undefined) end(verdict);
    });
    if (question !== '') socket.write(question);
  });
}
