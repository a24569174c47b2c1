import {
  type ChannelCredentials,
  type Client,
  type ClientDuplexStream,
  credentials,
  type StatusObject,
} from '@grpc/grpc-js';
import { eventually } from '../index.js';
import { ProxyService, type SiloMessage, siloMessage } from './silo-wire.js';

export interface SiloAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** An agent of the original kind by hand, as its wire contract has it: says what a test wants it to say. */
export class SiloAgent implements Disposable {
  readonly requests: SiloMessage[] = [];
  readonly pongs: SiloMessage[] = [];
  /** who answers requests; without it they wait in {@link requests} */
  onRequest: ((request: SiloMessage) => void) | undefined;
  /** How the stream ended. */
  readonly status: Promise<StatusObject>;
  ended = false;
  readonly call: ClientDuplexStream<SiloMessage, SiloMessage>;
  private readonly client: Client;

  constructor(grpcPort: number, channel: ChannelCredentials = credentials.createInsecure()) {
    const client = new ProxyService(`127.0.0.1:${grpcPort}`, channel, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      // As in grpc-go: what is sent has no bound.
      'grpc.max_send_message_length': -1,
    });
    this.client = client;
    this.call = (client['Stream'] as unknown as () => ClientDuplexStream<SiloMessage, SiloMessage>).call(client);
    this.call.on('error', () => undefined);
    this.status = new Promise((resolve) => {
      this.call.on('status', (status: StatusObject) => {
        this.ended = true;
        resolve(status);
      });
    });
    this.call.on('data', (message: SiloMessage) => {
      if (message.type === 'PONG') this.pongs.push(message);
      else if (this.onRequest === undefined) this.requests.push(message);
      else this.onRequest(message);
    });
  }

  /** One that has its first PONG. */
  static async registered(grpcPort: number, agentId = 'agent-1', channel?: ChannelCredentials): Promise<SiloAgent> {
    const agent = new SiloAgent(grpcPort, channel).hello(agentId);
    await eventually(() => agent.pongs.length > 0 || agent.ended);
    if (agent.ended) throw new Error(`refused: ${(await agent.status).details}`);
    return agent;
  }

  hello(agentId: string): this {
    this.send({ type: 'PING', metadata: { agent_id: agentId } });
    return this;
  }

  ping(): void {
    this.send({ type: 'PING' });
  }

  send(message: Partial<SiloMessage>): void {
    this.call.write(siloMessage(message));
  }

  answer({ id }: SiloMessage, { status = 200, headers = {}, body = '' }: SiloAnswer = {}): void {
    const metadata: Record<string, string> = { status_code: String(status) };
    for (const [name, value] of Object.entries(headers)) metadata[`header_${name}`] = value;
    this.send({ id, type: 'RESPONSE', payload: Buffer.from(body), metadata });
  }

  /** What the original says when its service gives no answer. */
  fail({ id }: SiloMessage, error: string): void {
    this.send({ id, type: 'RESPONSE', payload: Buffer.from(error), metadata: { status_code: '502', error } });
  }

  /** The next request that waits. */
  async request(): Promise<SiloMessage> {
    await eventually(() => this.requests.length > 0);
    return this.requests.shift() as SiloMessage;
  }

  /** Breaks the connection off. */
  close(): void {
    this.call.cancel();
    this.client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
