import { asked, Installed, OwnServer, type Place } from './own-server.js';

const redis = new Installed(['redis-server', 'valkey-server']);

/** `describe` for what needs a real Redis or Valkey; see {@link Installed.describe}. */
export const describeWithRedis = redis.describe.bind(redis);

export interface RedisServerOptions {
  /** asked for with AUTH; default none */
  readonly password?: string;
  /** more of the program's flags, such as `['--maxmemory', '1mb']`; the last one of a name counts */
  readonly flags?: readonly string[];
}

/** A redis-server of a test's own on 127.0.0.1, which keeps every write on disk. */
export class RedisServer extends OwnServer {
  protected override readonly memory = ['appendonlydir', 'dump.rdb'];

  private constructor(
    place: Place,
    private readonly options: RedisServerOptions,
  ) {
    super(place);
  }

  /** Resolves when it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    return await OwnServer.startOne((place) => new RedisServer(place, options));
  }

  override get url(): string {
    const { password } = this.options;
    return `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${this.port}`;
  }

  protected override command(): Promise<readonly [string, readonly string[]]> {
    const { password, flags = [] } = this.options;
    const args = [
      ['--bind', '127.0.0.1', '--port', String(this.port), '--dir', this.folder],
      ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
      password === undefined ? [] : ['--requirepass', password],
      flags,
    ].flat();
    return Promise.resolve([redis.program, args]);
  }

  /** While it loads its files it answers PING with an error. */
  protected override async answers(pid: number | undefined): Promise<boolean> {
    const { password } = this.options;
    const login =
      password === undefined ? '' : `*2\r\n$4\r\nAUTH\r\n$${Buffer.byteLength(password)}\r\n${password}\r\n`;
    return await asked(this.port, `${login}INFO server\r\nPING\r\n`, (said) => {
      const [, last] = /(?:^|\n)(\+PONG|-[^\r\n]*)\r\n$/.exec(said) ?? [];
      return last === undefined ? undefined : last === '+PONG' && said.includes(`\r\nprocess_id:${pid}\r\n`);
    });
  }
}
