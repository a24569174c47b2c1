import { once } from 'node:events';
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { AgentHttpServerFactory, type PooledHttpServer } from '@berth/http-server-pool';
import { silentLog } from '@berth/observability';
import { RawClient } from '@berth/testing';
import { H2, h2Frame, headerBlock } from '@berth/testing/system';
import { FakePool } from '../../../libs/exchange/testing/fake-dispatch.js';
import { handlerContext } from './handler-context.js';
import { ClientLimits, ClientTotal, type ConnectionLimits } from '../src/ingress/client-limits.js';
import { AgentIngress } from '../src/ingress/http/agent-ingress.js';
import { AnswerLog } from '../src/ingress/http/answer-log.js';
import type { IngressContext } from '../src/ingress/http/ingress-context.js';
import { PipelineBudget } from '../src/ingress/http/pipeline-budget.js';
import { FloodWatch } from '../src/ingress/http2/flood-watch.js';
import { Http2Port } from '../src/ingress/http2/http2-port.js';
import { UploadBudget } from '../src/ingress/http2/upload-window.js';
import type { Http2Options } from '../src/ingress/http2/session-options.js';

/** An answer as a client got it. */
export interface Got {
  head: IncomingHttpHeaders | undefined;
  interim: IncomingHttpHeaders[];
  body: string;
  trailers: IncomingHttpHeaders | undefined;
  /** of the stream's end; 0: in order */
  code: number;
  closed: boolean;
}

/** An agent's port in clear text with HTTP/2, whose exchanges go to a fake pool: the test answers in place of the agent. */
export class Http2TestPort implements AsyncDisposable {
  readonly pool = new FakePool();
  readonly context: IngressContext;
  readonly http2: Http2Port;
  readonly ingress: AgentIngress;
  private readonly server: PooledHttpServer;
  private readonly clients: (ClientHttp2Session | RawClient)[] = [];

  private constructor(options: Partial<Http2Options>, limits: Partial<ConnectionLimits>, floods: FloodWatch) {
    const exchanges = handlerContext();
    this.context = {
      ...exchanges,
      options: {
        ...exchanges.options,
        halfCloseGraceMs: 50,
        maxTargetBytes: 1000,
        maxPipelined: 10,
        forwardedHeaders: 'off',
        tls: { enabled: false, clientCert: 'none' },
        retryAfterSeconds: 3,
      },
      pipelined: new PipelineBudget(10),
      answerLog: new AnswerLog(silentLog, 'a1', exchanges.service.stats),
      dispatch: this.pool.dispatch,
    };
    const server = { maxHeaderBytes: 16_384, headersTimeoutMs: 5000, keepAliveTimeoutMs: 5000 };
    const all = { ...server, maxStreams: 100, resetsPerSecond: 10, resetBurst: 50, ...options };
    this.http2 = new Http2Port(this.context, all, floods, new UploadBudget());
    const most = { maxConnections: 10, maxConnectionsPerAddress: 10, maxTotalConnections: 10, ...limits };
    const clientLimits = new ClientLimits('a1', new ClientTotal(most, silentLog), exchanges.limitedLog);
    this.ingress = new AgentIngress(this.context, clientLimits, this.http2, true);
    const factory = new AgentHttpServerFactory({ ...all, maxConnections: 100 });
    this.server = factory.create('test', { host: '127.0.0.1', port: 0 }, this.ingress);
    this.server.onStopping = () => {
      this.http2.goAway();
    };
  }

  static async start(
    options: Partial<Http2Options> = {},
    limits: Partial<ConnectionLimits> = {},
    floods = new FloodWatch(),
  ): Promise<Http2TestPort> {
    const made = new Http2TestPort(options, limits, floods);
    await made.server.start();
    return made;
  }

  get port(): number {
    return this.server.port;
  }

  /** that the server has open */
  get connections(): number {
    return this.server.connections;
  }

  async connect(): Promise<ClientHttp2Session> {
    const session = connect(`http://127.0.0.1:${this.port}`);
    session.on('error', () => undefined);
    this.clients.push(session);
    await once(session, 'remoteSettings');
    return session;
  }

  /** A client that sends bytes as they are. */
  async raw(...bytes: (Buffer | string)[]): Promise<RawClient> {
    const client = await RawClient.connect(this.port);
    this.clients.push(client);
    for (const each of bytes) client.send(each);
    return client;
  }

  stop(graceMs = 0): Promise<void> {
    return this.server.stop(graceMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.destroy();
    await this.server.stop(0);
  }
}

/** HEADERS of a request by hand. @param flags 4: END_HEADERS, 1: END_STREAM */
export function rawHead(stream: number, headers: Record<string, string> = {}, flags = 4): Buffer {
  const all = { ':method': 'POST', ':scheme': 'http', ':path': '/', ':authority': 'a', ...headers };
  return h2Frame(H2.headers, flags, stream, headerBlock(all));
}

/** RST_STREAM by hand. */
export function rawReset(stream: number, code: number): Buffer {
  return h2Frame(H2.reset, 0, stream, Buffer.from([0, 0, 0, code]));
}

/** Asks, and gathers what comes; the body of the request, if any, is the caller's to send. */
export function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, endStream = true) {
  const stream = session.request(headers, { endStream });
  const got: Got = { head: undefined, interim: [], body: '', trailers: undefined, code: 0, closed: false };
  stream.on('headers', (head) => got.interim.push(head));
  stream.on('response', (head) => (got.head = head));
  stream.on('trailers', (trailers: IncomingHttpHeaders) => (got.trailers = trailers));
  stream.on('data', (bytes: Buffer) => (got.body += bytes.toString('latin1')));
  stream.on('error', () => undefined);
  stream.on('close', () => {
    got.code = stream.rstCode;
    got.closed = true;
  });
  return { stream, got };
}

/** Codes of the frames of one type that a client got: RST_STREAM as `stream:code`, GOAWAY as its code. */
export function codes(client: RawClient, type: number): string[] {
  const bytes = Buffer.from(client.text(), 'latin1');
  const found: string[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    const end = at + 9 + length;
    if (bytes[at + 3] === type && end <= bytes.length)
      found.push(
        type === H2.goaway
          ? `${bytes.readUInt32BE(at + 13)}`
          : `${bytes.readUInt32BE(at + 5)}:${bytes.readUInt32BE(at + 9)}`,
      );
    at = end;
  }
  return found;
}
