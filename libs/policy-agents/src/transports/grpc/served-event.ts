import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import type { ProxyHello } from '../../capabilities.js';
import type { AgentHost, AgentMessage, ProxyLink, ProxyMessage, TooLarge } from '../../link.js';
import { type HandshakeRequest, versionFault } from '../../wire/handshake.js';
import { decodeToAgent } from '../../wire/proto/to-agent.js';
import { encodeReply, encodeToProxy } from '../../wire/proto/to-proxy.js';
import { LinkBase } from '../link-base.js';
import { grpcLimit } from './grpc-link.js';

/** Answers one event that came in a call of its own. */
export function serveEvent(
  call: ServerUnaryCall<Buffer, Buffer>,
  host: AgentHost,
  maxMessageBytes: number,
  reply: sendUnaryData<Buffer>,
): void {
  try {
    const message = decodeToAgent(call.request);
    if (message === undefined) throw new BerthError('BERTH_BAD_REQUEST', 'an event that this agent does not know');
    if (message.kind === 'handshake') reply(null, replyTo(message, host));
    else if (message.kind === 'ping') reply(null, encodeToProxy(pongTo(message)));
    else host.linked(new EventLink(`grpc://${call.getPeer()}`, call, message, maxMessageBytes, reply));
  } catch (thrown) {
    reply(statusOf(BerthError.from(thrown)));
  }
}

function statusOf({ grpcStatus, message }: BerthError): Error & { code: number } {
  return Object.assign(new Error(message), { code: grpcStatus, details: message });
}

function replyTo(request: HandshakeRequest, host: AgentHost): Buffer {
  const fault = versionFault(request);
  return encodeReply(fault === undefined ? host.capabilities() : new BerthError('BERTH_VERSION_UNSUPPORTED', fault));
}

function pongTo({ sequence, timestampMs }: Extract<ProxyMessage, { kind: 'ping' }>): AgentMessage {
  return { kind: 'pong', sequence, pingTimestampMs: timestampMs, timestampMs: Date.now() };
}

/** What an agent says to nothing in particular. */
const NOTHING = Buffer.alloc(0);

/** A link for one event: it ends with the answer, and nothing else goes over it. */
class EventLink extends LinkBase<AgentMessage, ProxyMessage> implements ProxyLink {
  readonly transport = 'grpc';
  readonly isCall = true;
  /** this call does not say who the proxy is */
  readonly hello: ProxyHello = { proxyId: '', proxyVersion: '' };

  constructor(
    remote: string,
    call: ServerUnaryCall<Buffer, Buffer>,
    private readonly event: ProxyMessage,
    private readonly maxMessageBytes: number,
    private readonly reply: sendUnaryData<Buffer>,
  ) {
    super(remote);
    call.on('cancelled', () => {
      this.over(new BerthError('BERTH_CONNECTION_CLOSED', 'the proxy gave the call up'));
    });
  }

  send(message: AgentMessage, tooLarge?: TooLarge): boolean {
    if (this.isOver || message.kind !== 'answer') return true;
    const answer = encodeToProxy(message);
    if (answer.length > this.maxMessageBytes) tooLarge?.(grpcLimit(this.maxMessageBytes));
    else this.finish(answer);
    return true;
  }

  close(error?: BerthError): void {
    if (this.isOver) return;
    this.over(undefined);
    this.reply(statusOf(error ?? new BerthError('BERTH_CONNECTION_CLOSED', 'the agent ends')));
  }

  protected flow(): void {
    this.deliver(this.event);
    if (!isAnswered(this.event) && !this.isOver) this.finish(NOTHING);
  }

  private finish(reply: Buffer): void {
    this.over(undefined);
    this.reply(null, reply);
  }
}

function isAnswered(event: ProxyMessage): boolean {
  switch (event.kind) {
    case 'cancel':
    case 'shutdown':
    case 'configUpdateReply':
      return false;
    case 'configure':
      return event.correlationId !== undefined;
    default:
      return true;
  }
}
