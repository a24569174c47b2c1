import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Stands between store and server, and can lose what either says. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  /** how many answers are lost, each with its connection */
  lostAnswers = 0;
  /** called when an answer has been lost */
  onLost: () => Promise<void> = () => Promise.resolve();
  /** connections that are there lead nowhere */
  private muted = new Set<Socket>();
  /** new connections are turned away */
  cut = false;
  /** new connections lead nowhere from the start */
  deaf = false;
  /** said to connections that lead nowhere */
  swallowed = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async to(port: number): Promise<Wire> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const wire = new Wire(server, `redis://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('connection', (client) => {
      wire.join(client, port);
    });
    return wire;
  }

  private join(client: Socket, port: number): void {
    this.sockets.add(client);
    client.on('error', () => undefined);
    if (this.cut) {
      client.destroy();
      return;
    }
    if (this.deaf) this.muted.add(client);
    const upstream = connect(port, '127.0.0.1');
    this.sockets.add(upstream);
    upstream.on('error', () => undefined);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    let asked = false;
    client.on('data', (bytes) => {
      // The greeting of a new connection is let through.
      asked ||= /EVAL/.test(bytes.toString('latin1'));
      if (this.muted.has(client)) this.swallowed += bytes.length;
      else upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (asked && this.lostAnswers > 0) {
        this.lostAnswers -= 1;
        void this.onLost().then(() => client.destroy());
        return;
      }
      client.write(bytes);
    });
    client.resume();
  }

  muteAll(): void {
    this.muted = new Set(this.sockets);
  }

  breakAll(): void {
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  async close(): Promise<void> {
    this.breakAll();
    this.server.close();
    await once(this.server, 'close');
  }
}
