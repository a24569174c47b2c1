import type { BerthError } from '@berth/errors';
import {
  type AgentAnswer,
  type AgentCapabilities,
  type AgentFeatures,
  type AgentLimits,
  type AgentLink,
  type AgentMessage,
  allowed,
  type AskedEvent,
  correlationOf,
  type EventKind,
  type LinkReceiver,
  type ProxyMessage,
  type RequestHeadersEvent,
  type TooLarge,
} from '../src/index.js';

/** Capabilities of an agent that wants to see everything, but for what is said otherwise. */
export function capabilitiesOf(
  over: Partial<Omit<AgentCapabilities, 'features' | 'limits'>> & {
    features?: Partial<AgentFeatures>;
    limits?: Partial<AgentLimits>;
  } = {},
): AgentCapabilities {
  const events: EventKind[] = ['requestHeaders', 'requestBody', 'responseHeaders', 'responseBody', 'requestComplete'];
  const { features, limits, ...rest } = over;
  return {
    protocolVersion: 2,
    agentId: 'waf',
    name: 'waf',
    version: '1.0.0',
    supportedEvents: new Set(events),
    features: {
      streamingBody: true,
      webSocket: true,
      guardrails: true,
      configPush: false,
      metricsExport: true,
      concurrentRequests: 0,
      cancellation: true,
      flowControl: true,
      healthReporting: true,
      ...features,
    },
    limits: { maxBodySize: 1024 * 1024, maxConcurrency: 0, preferredChunkSize: 65_536, ...limits },
    ...rest,
  };
}

/** One question as the agent sees it. */
export type Asked = Extract<ProxyMessage, AskedEvent>;

/** A link that carries nothing: it writes down what it is sent, and a test says what comes. */
export class FakeLink implements AgentLink {
  readonly remote = 'unix:/run/waf.sock';
  readonly transport = 'unix';
  readonly sent: ProxyMessage[] = [];
  /** what {@link send} returns */
  takes = true;
  /** of {@link send}: text of the limit, of messages of this kind */
  tooLarge: { readonly kind: ProxyMessage['kind']; readonly limit: string } | undefined;
  isClosed = false;
  closedWith: BerthError | undefined;
  /** done at each message, such as to answer it */
  onSend: (message: ProxyMessage) => void = () => undefined;
  private current: LinkReceiver<AgentMessage> | undefined;

  constructor(readonly capabilities: AgentCapabilities = capabilitiesOf()) {}

  get receiver(): LinkReceiver<AgentMessage> {
    if (this.current === undefined) throw new Error('nobody takes what comes');
    return this.current;
  }

  set receiver(receiver: LinkReceiver<AgentMessage>) {
    this.current = receiver;
  }

  send(message: ProxyMessage, tooLarge?: TooLarge): boolean {
    if (this.isClosed) return true;
    if (message.kind === this.tooLarge?.kind) {
      tooLarge?.(this.tooLarge.limit);
      return this.takes;
    }
    this.sent.push(message);
    this.onSend(message);
    return this.takes;
  }

  close(error?: BerthError): void {
    this.closedWith ??= error;
    this.end(error);
  }

  /** It breaks, or the agent has closed it. */
  end(error?: BerthError): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.current?.closed(error);
  }

  /** Something comes from the agent, unless the link has ended. */
  comes(message: AgentMessage): void {
    if (!this.isClosed) this.receiver.message(message);
  }

  answers(correlationId: string, over: Partial<AgentAnswer> = {}): void {
    this.comes({ ...allowed(correlationId), ...over });
  }

  /** Messages of one kind, in their order. */
  of<K extends ProxyMessage['kind']>(kind: K): Extract<ProxyMessage, { kind: K }>[] {
    return this.sent.filter((message): message is Extract<ProxyMessage, { kind: K }> => message.kind === kind);
  }

  /** Each question is allowed at once. */
  allowAll(): this {
    this.onSend = (message) => {
      if (isAsked(message)) this.answers(correlationOf(message));
    };
    return this;
  }
}

export function isAsked(message: ProxyMessage): message is Asked {
  return !['configure', 'cancel', 'ping', 'configUpdateReply', 'shutdown'].includes(message.kind);
}

export function headersEvent(correlationId: string, over: Partial<RequestHeadersEvent> = {}): RequestHeadersEvent {
  return {
    kind: 'requestHeaders',
    metadata: {
      correlationId,
      requestId: correlationId,
      clientIp: '192.0.2.1',
      clientPort: 1234,
      protocol: 'HTTP/1.1',
      timestampMs: 0,
    },
    method: 'GET',
    uri: '/',
    httpVersion: 'HTTP/1.1',
    headers: [],
    ...over,
  };
}

export function chunkEvent(correlationId: string, chunkIndex = 0, isLast = false): AskedEvent {
  return {
    kind: 'requestBody',
    correlationId,
    chunkIndex,
    data: Buffer.from('x'),
    isLast,
    bytesTransferred: chunkIndex + 1,
    bufferAvailable: 65_536,
    timestampMs: 0,
  };
}

export function completeEvent(correlationId: string): Extract<AskedEvent, { kind: 'requestComplete' }> {
  return { kind: 'requestComplete', correlationId, status: 200, durationMs: 1, bytesReceived: 0, bytesSent: 0 };
}
