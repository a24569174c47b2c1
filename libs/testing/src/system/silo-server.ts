import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { eventually } from '../index.js';
import { ProxyService, type SiloMessage, siloMessage } from './silo-wire.js';

/** One stream of an agent, as {@link SiloServer} has it. */
export class SiloServerStream {
  readonly messages: SiloMessage[] = [];
  agentId = '';
  ended = false;
  /** from now on no PING is answered */
  deaf = false;
  private readonly waiting = new Map<string, (answer: SiloMessage) => void>();

  constructor(readonly call: ServerDuplexStream<SiloMessage, SiloMessage>) {
    call.on('data', (message: SiloMessage) => {
      this.messages.push(message);
      this.agentId ||= message.metadata['agent_id'] ?? '';
      if (message.type === 'PING' && !this.deaf) call.write(siloMessage({ type: 'PONG' }));
      if (message.type === 'RESPONSE') this.waiting.get(message.id)?.(message);
    });
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    for (const event of ['end', 'cancelled', 'close']) call.on(event, () => (this.ended = true));
  }

  /** Ends it with an error, as the original server does with a stream that another one replaces. */
  breakOff(): void {
    this.call.emit('error', { code: status.CANCELLED, details: 'context canceled' });
  }

  /** Sends a REQUEST as the original server does; resolves with its RESPONSE. */
  async request(metadata: Record<string, string> = {}, payload: Buffer | string = ''): Promise<SiloMessage> {
    const defaults = { method: 'GET', path: '/', query: '', content_type: '' };
    const request = siloMessage({
      type: 'REQUEST',
      payload: Buffer.from(payload),
      metadata: { ...defaults, ...metadata },
    });
    const answer = new Promise<SiloMessage>((resolve) => this.waiting.set(request.id, resolve));
    this.call.write(request);
    return answer;
  }
}

/** A server of the original kind, as the wire contract has it: registers by `agent_id`, answers each PING. */
export class SiloServer implements Disposable {
  readonly streams: SiloServerStream[] = [];
  port = 0;
  private readonly server = new Server({ 'grpc.max_send_message_length': -1 });

  static async start(): Promise<SiloServer> {
    const it = new SiloServer();
    it.server.addService(ProxyService.service, {
      Stream: (call: ServerDuplexStream<SiloMessage, SiloMessage>) => {
        it.streams.push(new SiloServerStream(call));
      },
    });
    it.port = await new Promise<number>((resolve, reject) => {
      it.server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return it;
  }

  [Symbol.dispose](): void {
    this.server.forceShutdown();
  }

  /** The stream that came as the given one, once it has said its id. */
  async agent(count = 1): Promise<SiloServerStream> {
    return eventually(() => {
      const stream = this.streams[count - 1];
      return stream !== undefined && stream.agentId !== '' ? stream : undefined;
    });
  }
}
