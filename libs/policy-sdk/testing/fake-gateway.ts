import type { BerthError } from '@berth/errors';
import type {
  AgentAnswer,
  AgentHost,
  AgentMessage,
  AskedEvent,
  BodyChunkEvent,
  LinkReceiver,
  ProxyHello,
  ProxyLink,
  ProxyMessage,
  RequestCompleteEvent,
  RequestHeadersEvent,
  TooLarge,
} from '@berth/policy-agents';
import { type PolicyAgent, type PolicyAgentOptions, startPolicyAgent } from '../src/index.js';
import type { Transports } from '../src/transports.js';

/** A connection of a gateway without a wire: what it says arrives at once. */
export class FakeLink implements ProxyLink {
  readonly transport = 'unix';
  readonly remote = 'fake';
  readonly said: AgentMessage[] = [];
  /** what {@link send} says of room */
  room = true;
  /** of the text of a block */
  mostChars = Infinity;
  closedWith: BerthError | undefined;
  receiver!: LinkReceiver<ProxyMessage>;
  #closed = false;

  constructor(readonly hello: ProxyHello) {}

  send(message: AgentMessage, tooLarge?: TooLarge): boolean {
    if (message.kind === 'answer' && message.decision.kind === 'block')
      if ((message.decision.body?.length ?? 0) > this.mostChars) {
        tooLarge?.(`${this.mostChars} characters`);
        return this.room;
      }
    if (!this.#closed) this.said.push(message);
    return this.room;
  }

  close(error?: BerthError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.closedWith = error;
    this.receiver.closed(error);
  }

  /** Asks, and gives the answers to it so far. */
  ask(event: AskedEvent): AgentAnswer[] {
    this.receiver.message(event);
    return this.answers(event.kind === 'requestHeaders' ? event.metadata.correlationId : event.correlationId);
  }

  answers(id: string): AgentAnswer[] {
    return this.said.filter((message) => message.kind === 'answer').filter(({ correlationId }) => correlationId === id);
  }

  of<Kind extends AgentMessage['kind']>(kind: Kind): Extract<AgentMessage, { kind: Kind }>[] {
    return this.said.filter((message): message is Extract<AgentMessage, { kind: Kind }> => message.kind === kind);
  }
}

/** An agent, and gateways that reach it without a wire. */
export class FakeGateways implements AsyncDisposable {
  host!: AgentHost;
  readonly links: FakeLink[] = [];
  readonly log: string[] = [];
  agent!: PolicyAgent;

  static async with<State = Record<string, unknown>>(
    options: Omit<PolicyAgentOptions<State>, 'name' | 'listen'>,
  ): Promise<FakeGateways> {
    const gateways = new FakeGateways();
    const transports: Transports = {
      listen: (_place, host) => {
        gateways.host = host;
        return Promise.resolve({ address: 'fake', close: () => Promise.resolve() });
      },
      dial: () => Promise.reject(new Error('nobody is dialled')),
    };
    const log = (level: string, message: string): void => void gateways.log.push(`${level} ${message}`);
    gateways.agent = await startPolicyAgent<State>(
      { name: 'trial', listen: '127.0.0.1:1', log, ...options },
      transports,
    );
    return gateways;
  }

  link(hello: Partial<ProxyHello> = {}): FakeLink {
    const link = new FakeLink({ proxyId: 'g1', proxyVersion: '1', ...hello });
    this.links.push(link);
    this.host.linked(link);
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.links) link.close();
    await this.agent.close();
  }
}

export function head(id: string, uri = '/', headers: string[] = []): RequestHeadersEvent {
  return {
    kind: 'requestHeaders',
    metadata: {
      correlationId: id,
      requestId: `request-${id}`,
      clientIp: '192.0.2.7',
      clientPort: 4711,
      protocol: 'HTTP/1.1',
      timestampMs: 0,
    },
    method: 'GET',
    uri,
    httpVersion: 'HTTP/1.1',
    headers,
  };
}

export function chunk(
  kind: BodyChunkEvent['kind'],
  correlationId: string,
  text: string,
  chunkIndex = 0,
  isLast = true,
): BodyChunkEvent {
  const data = Buffer.from(text);
  return {
    kind,
    correlationId,
    chunkIndex,
    data,
    isLast,
    bytesTransferred: data.length,
    bufferAvailable: 0,
    timestampMs: 0,
  };
}

export function complete(correlationId: string): RequestCompleteEvent {
  return { kind: 'requestComplete', correlationId, status: 200, durationMs: 1, bytesReceived: 0, bytesSent: 0 };
}
