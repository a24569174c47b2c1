import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to a broker that can be cut, stopped and made to swallow answers. */
export class FaultyLink {
  readonly #pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  #refusing = false;
  #swallowing = false;
  #frozen = false;

  private constructor(
    private readonly listener: Server,
    private readonly target: number,
  ) {
    listener.on('connection', (client) => this.#accept(client));
  }

  /** @param target the broker's port on 127.0.0.1 */
  static async to(target: number): Promise<FaultyLink> {
    const listener = createServer();
    const link = new FaultyLink(listener, target);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return link;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Breaks all connections, and new ones until {@link mend}. */
  cut(): void {
    this.#refusing = true;
    this.breakAll();
  }

  /** Breaks all connections; new ones are good. */
  breakAll(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** From now on the broker gets all, and what it says is lost. */
  swallowAnswers(): void {
    this.#swallowing = true;
  }

  /** From now on nothing gets through, either way; it waits. */
  freeze(): void {
    this.#frozen = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  /** All is well for new connections, and for those that only waited. */
  mend(): void {
    this.#refusing = false;
    this.#swallowing = false;
    this.#frozen = false;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
  }

  async close(): Promise<void> {
    this.cut();
    this.listener.close();
    await once(this.listener, 'close');
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.destroy();
      return;
    }
    const server = connect({ port: this.target, host: '127.0.0.1' });
    const pair = { client, server };
    this.#pairs.add(pair);
    client.on('data', (chunk) => server.write(chunk));
    server.on('data', (chunk) => {
      if (!this.#swallowing) client.write(chunk);
    });
    if (this.#frozen) {
      client.pause();
      server.pause();
    }
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#pairs.delete(pair);
        other.destroy();
      });
    }
  }
}
