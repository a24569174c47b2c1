import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type StatusObject,
} from '@grpc/grpc-js';
import type { BodySink, IncomingExchange } from '@berth/exchange';
import {
  clientTransport,
  type ConfigPush,
  type Goaway,
  type Hello,
  type IncomingTunnelExchange,
  passBuffer,
  PROTOCOL_VERSION,
  type Refused,
  type ServiceListReply,
  SESSION_DEFAULTS,
  TUNNEL_METHOD_PATH,
  TunnelSession,
  type Welcome,
  WindowBudget,
} from '@berth/tunnel-protocol';

const WINDOW_BYTES = 262_144;

export function helloOf(agentId: string, overrides: Partial<Hello> = {}): Hello {
  return {
    versions: [PROTOCOL_VERSION],
    agentId,
    token: '',
    features: [],
    limits: { maxExchanges: 16, initialWindowBytes: WINDOW_BYTES },
    connections: 1,
    metadata: {},
    instanceId: `instance of ${agentId}`,
    softwareVersion: 'test',
    portKind: '',
    services: [],
    ...overrides,
  };
}

/** An agent by hand: says what a test wants it to say, and answers nothing by itself but Pings. */
export class RawAgent implements Disposable {
  readonly opened: IncomingTunnelExchange[] = [];
  readonly goaways: Goaway[] = [];
  /** what was pushed to it; answered by nobody */
  readonly configs: ConfigPush[] = [];
  /** what became of its lists of local services */
  readonly replies: ServiceListReply[] = [];
  /** makes who takes what comes on an exchange; without it, everything is taken and forgotten */
  accept: ((exchange: IncomingTunnelExchange) => BodySink) | undefined;
  refused: Refused | undefined;
  /** from now on it reads nothing, so it answers no Ping either */
  deaf = false;
  readonly session: TunnelSession;
  /** Resolves with the gateway's yes; rejects when the stream ends before it. */
  readonly welcome: Promise<Welcome>;
  /** How the stream ended. */
  readonly status: Promise<StatusObject>;
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  private readonly client: Client;

  constructor(grpcPort: number, channel: ChannelCredentials = credentials.createInsecure()) {
    this.client = new Client(`127.0.0.1:${grpcPort}`, channel, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
    });
    this.call = this.client.makeBidiStreamRequest(TUNNEL_METHOD_PATH, passBuffer, passBuffer, new Metadata());
    this.call.on('error', () => undefined);
    this.status = new Promise((resolve) => {
      this.call.on('status', resolve);
    });
    const { promise, resolve, reject } = Promise.withResolvers<Welcome>();
    this.welcome = promise;
    promise.catch(() => undefined);
    this.session = this.createSession(resolve);
    this.call.on('data', (batch: Buffer) => {
      if (!this.deaf) this.session.receive(batch);
    });
    void this.status.then((status) => {
      reject(new Error(`${status.code}: ${status.details}`));
    });
  }

  /** One that has been welcomed. */
  static async registered(grpcPort: number, agentId: string, overrides: Partial<Hello> = {}): Promise<RawAgent> {
    const agent = new RawAgent(grpcPort);
    agent.hello(agentId, overrides);
    await agent.welcome;
    return agent;
  }

  hello(agentId: string, overrides: Partial<Hello> = {}): this {
    this.session.tell('hello', helloOf(agentId, overrides));
    return this;
  }

  /** Breaks the connection off. */
  close(): void {
    this.call.cancel();
    this.client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private createSession(onWelcome: (welcome: Welcome) => void): TunnelSession {
    const nothing = (): void => undefined;
    return new TunnelSession(
      clientTransport(this.call),
      {
        welcome: (welcome) => {
          this.session.establish(welcome.limits);
          onWelcome(welcome);
        },
        refused: (refused) => (this.refused = refused),
        goaway: (goaway) => void this.goaways.push(goaway),
        configPush: (push) => void this.configs.push(push),
        servicesReply: (reply) => void this.replies.push(reply),
        opened: (exchange) => {
          this.opened.push(exchange);
          if (this.accept !== undefined) return this.accept(exchange);
          return {
            data: (bytes) => {
              exchange.consumed(bytes.length);
            },
            end: nothing,
            failed: nothing,
            writable: nothing,
          };
        },
        closed: nothing,
      },
      {
        role: 'agent',
        window: { startBytes: WINDOW_BYTES, maxBytes: WINDOW_BYTES, budget: new WindowBudget(0) },
        maxExchanges: 16,
        ...SESSION_DEFAULTS,
        now: () => performance.now(),
      },
    );
  }
}

/** Answers an exchange with a short text. */
export function answer(exchange: IncomingExchange, text: string): void {
  exchange.sendHead({ status: 200, reason: 'OK', headers: ['Content-Length', String(text.length)] });
  exchange.sendData(Buffer.from(text));
  exchange.sendEnd();
}
