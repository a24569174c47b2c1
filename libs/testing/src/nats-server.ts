import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asked, Installed, OwnServer, type Place } from './own-server.js';
import { freePortRange } from './ports.js';

const nats = new Installed(['nats-server']);

/** `describe` for what needs a real NATS server; see {@link Installed.describe}. */
export const describeWithNats = nats.describe.bind(nats);

export interface NatsServerOptions {
  /** more lines of its configuration file, such as `authorization { token: s }` */
  readonly config?: string;
  /** whether it keeps streams and values, default true */
  readonly jetStream?: boolean;
  /** bytes of disk that streams may take; default: what there is */
  readonly maxFileStore?: number;
  /** the largest message, bytes; default 8 MiB */
  readonly maxPayload?: number;
}

/** A nats-server of a test's own on 127.0.0.1, with JetStream on disk. */
export class NatsServer extends OwnServer {
  protected override readonly memory = ['jetstream'];

  private constructor(
    place: Place,
    private readonly options: NatsServerOptions,
  ) {
    super(place);
  }

  /** Resolves when it answers. */
  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    return await OwnServer.startOne((place) => new NatsServer(place, options));
  }

  /** Servers `s0`, `s1` … of one cluster: each answers, and they have yet to find each other. */
  static async startCluster(count: number): Promise<NatsServer[]> {
    const { start } = await freePortRange(count);
    const ports = Array.from({ length: count }, (_, i) => start + i);
    const routes = ports.map((port) => `"nats-route://127.0.0.1:${port}"`).join(', ');
    const configOf = (port: number, i: number): string =>
      `server_name: "s${i}"\ncluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
    return await Promise.all(ports.map((port, i) => NatsServer.start({ config: configOf(port, i) })));
  }

  override get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  protected override async command(): Promise<readonly [string, readonly string[]]> {
    const { config = '', jetStream = true, maxFileStore, maxPayload = 8 * 1024 * 1024 } = this.options;
    const most = maxFileStore === undefined ? '' : `, max_file_store: ${maxFileStore}`;
    const file = join(this.folder, 'nats.conf');
    const lines = [
      `listen: "127.0.0.1:${this.port}"`,
      `max_payload: ${maxPayload}`,
      jetStream ? `jetstream { store_dir: "${join(this.folder, 'jetstream')}"${most} }` : '',
      config,
    ];
    await writeFile(file, lines.join('\n'));
    return [nats.program, ['-c', file]];
  }

  /** It greets once it takes connections. */
  protected override async answers(): Promise<boolean> {
    return await asked(this.port, '', (said) => said.startsWith('INFO '));
  }
}
