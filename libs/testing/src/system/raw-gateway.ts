import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import { ExchangeKind, type ResetCode } from '@berth/exchange';
import {
  AGENT_FEATURES,
  type ConfigAck,
  type Health,
  type Hello,
  MAX_GRPC_MESSAGE_BYTES,
  type MetricsReport,
  passBuffer,
  PROTOCOL_VERSION,
  receiveFromClient,
  serverTransport,
  SESSION_DEFAULTS,
  TUNNEL_METHOD_PATH,
  TunnelSession,
  WindowBudget,
} from '@berth/tunnel-protocol';
import { eventually } from '../eventually.js';

const WINDOW_BYTES = 262_144;

/** What an agent answered to an exchange, or why it did not. */
export type RawAnswer = { status: number; text: string } | { code: ResetCode | 'connection-lost'; message: string };

/** One connection of an agent, with all that it said of itself. */
export class RawGatewayConnection {
  hello: Hello | undefined;
  readonly health: Health[] = [];
  /** `pause`, `resume`, and capacities as numbers */
  readonly flow: (string | number)[] = [];
  readonly reports: MetricsReport[] = [];
  readonly acks: ConfigAck[] = [];
  closed = false;
  readonly session: TunnelSession;

  constructor(
    readonly call: ServerDuplexStream<Buffer, Buffer>,
    id: string,
    features: string[],
  ) {
    this.session = new TunnelSession(
      serverTransport(call),
      {
        hello: (hello) => {
          this.hello = hello;
          this.session.establish(hello.limits, { features: hello.features });
          this.session.tell('welcome', {
            version: PROTOCOL_VERSION,
            connectionId: id,
            port: 1,
            host: '',
            limits: { maxExchanges: 0, initialWindowBytes: WINDOW_BYTES },
            pingIntervalMs: 0,
            pingTimeoutMs: 0,
            features,
            scheme: 'http',
            ports: [],
          });
        },
        health: (health) => this.health.push(health),
        pause: () => this.flow.push('pause'),
        resume: () => this.flow.push('resume'),
        capacity: (maxExchanges) => this.flow.push(maxExchanges),
        metricsReport: (read) => this.reports.push(read()),
        configAck: (ack) => this.acks.push(ack),
        goaway: () => {
          this.session.close();
        },
        closed: () => (this.closed = true),
      },
      {
        role: 'gateway',
        window: { startBytes: WINDOW_BYTES, maxBytes: WINDOW_BYTES, budget: new WindowBudget(0) },
        maxExchanges: 0,
        ...SESSION_DEFAULTS,
        now: () => performance.now(),
      },
    );
    receiveFromClient(call, this.session, MAX_GRPC_MESSAGE_BYTES);
  }

  /** Has the agent answer a GET; whether it wants one more is not asked. */
  async get(target: string, service = ''): Promise<RawAnswer> {
    const { promise, resolve } = Promise.withResolvers<RawAnswer>();
    let [status, text] = [0, ''];
    const head = { kind: ExchangeKind.http, method: 'GET', target, headers: ['Host', 'a'], body: false, service };
    this.session.open(head, {
      informational: () => undefined,
      head: (answer) => (status = answer.status),
      data: (bytes) => (text += bytes.toString()),
      end: () => {
        resolve({ status, text });
      },
      failed: ({ code, message }) => {
        resolve({ code, message });
      },
      writable: () => undefined,
    });
    return promise;
  }

  /** Breaks the connection off. */
  breakOff(): void {
    this.session.close(new BerthError('BERTH_CONNECTION_CLOSED', 'broken off'));
  }
}

/** A gateway by hand: welcomes every agent, keeps what it says, and opens what a test wants. */
export class RawGateway implements Disposable {
  /** in the order in which they came */
  readonly connections: RawGatewayConnection[] = [];
  grpcPort = 0;
  private readonly server = new Server();

  /** @param features that it announces */
  static async start(features: string[] = Object.values(AGENT_FEATURES)): Promise<RawGateway> {
    const it = new RawGateway();
    const types = { requestDeserialize: passBuffer, requestSerialize: passBuffer };
    const answers = { responseDeserialize: passBuffer, responseSerialize: passBuffer };
    const connect = { path: TUNNEL_METHOD_PATH, requestStream: true, responseStream: true, ...types, ...answers };
    it.server.addService(
      { connect },
      {
        connect: (call: ServerDuplexStream<Buffer, Buffer>) => {
          it.connections.push(new RawGatewayConnection(call, `c${it.connections.length + 1}`, features));
        },
      },
    );
    it.grpcPort = await new Promise<number>((resolve, reject) => {
      it.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return it;
  }

  /** Connections that stand. */
  get live(): RawGatewayConnection[] {
    return this.connections.filter(({ hello, closed }) => hello !== undefined && !closed);
  }

  /** Waits until the agents hold that many connections. */
  async standing(count = 1): Promise<RawGatewayConnection[]> {
    return eventually(() => (this.live.length === count ? this.live : undefined));
  }

  [Symbol.dispose](): void {
    this.server.forceShutdown();
  }
}
