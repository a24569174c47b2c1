import { type Client, Metadata, type ServiceError, status as Status } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import { giveBuffer } from '@berth/exchange';
import type { AgentCapabilities, ProxyHello } from '../../capabilities.js';
import type { AgentLink, AgentMessage, ProxyMessage, TooLarge } from '../../link.js';
import { encodeHello, encodeToAgent } from '../../wire/proto/to-agent.js';
import { decodeToProxy } from '../../wire/proto/to-proxy.js';
import type { Patience } from '../framed/first-frames.js';
import { LinkBase } from '../link-base.js';
import { grpcLimit } from './grpc-link.js';
import { callError, capabilitiesFrom, noHandshake, same } from './outcomes.js';

/** Calls at once over which the sender should wait. */
const HIGH_WATER_CALLS = 256;

/** For the answer to one event, ms, where nobody says how long the sender waits: as long as it does by default at the most. */
export const UNARY_TIMEOUT_MS = 120_000;

/** Bounds of one call. */
export interface CallLimits {
  /** for its answer, ms */
  readonly timeoutMs: number;
  /** of its event */
  readonly maxMessageBytes: number;
}

/** Shakes hands with an agent that has no streams. @throws BerthError (as a rejection) */
export async function dialUnary(
  client: Client,
  remote: string,
  packageName: string,
  hello: ProxyHello,
  { timeoutMs, signal }: Patience,
  limits: CallLimits,
): Promise<AgentLink> {
  const path = `/${packageName}.AgentServiceV2/ProcessEvent`;
  const reply = await new Promise<Buffer>((resolve, reject) => {
    const call = client.makeUnaryRequest(
      path,
      same,
      same,
      encodeHello(hello),
      new Metadata(),
      { deadline: Date.now() + timeoutMs },
      (error: ServiceError | null, bytes?: Buffer) => {
        signal?.removeEventListener('abort', aborted);
        if (error === null && bytes !== undefined) resolve(bytes);
        else reject(handshakeError(error, path, timeoutMs));
      },
    );
    const aborted = (): void => {
      call.cancel();
    };
    signal?.addEventListener('abort', aborted);
  });
  return new UnaryLink(remote, client, path, capabilitiesFrom(reply), limits);
}

function handshakeError(error: ServiceError | null, path: string, timeoutMs: number): BerthError {
  if (error?.code === Status.DEADLINE_EXCEEDED) {
    return new BerthError('BERTH_HANDSHAKE_TIMEOUT', `no handshake within ${timeoutMs} ms`);
  }
  return (error && callError(error, path)) ?? new BerthError('BERTH_PROTOCOL_ERROR', 'it answered nothing');
}

/**
 * Each event in a call of its own. What an agent says unasked does not come this way; an event that it has no answer
 * for stays without one.
 */
class UnaryLink extends LinkBase<ProxyMessage, AgentMessage> implements AgentLink {
  readonly transport = 'grpc';
  private readonly waiting: AgentMessage[] = [];
  private isFlowing = false;
  private calls = 0;
  private isFull = false;

  constructor(
    remote: string,
    private readonly client: Client,
    private readonly path: string,
    readonly capabilities: AgentCapabilities,
    private readonly limits: CallLimits,
  ) {
    super(remote);
  }

  send(message: ProxyMessage, tooLarge?: TooLarge): boolean {
    if (this.isOver) return true;
    const event = encodeToAgent(message);
    const { maxMessageBytes, timeoutMs } = this.limits;
    if (event.length > maxMessageBytes) {
      tooLarge?.(grpcLimit(maxMessageBytes));
      return !this.isFull;
    }
    this.calls += 1;
    const deadline = Date.now() + timeoutMs;
    const answered = (error: ServiceError | null, bytes?: Buffer): void => {
      // By then gRPC has sent its own copy, or never will.
      giveBuffer(event);
      this.answered(error, bytes);
    };
    this.client.makeUnaryRequest(this.path, same, same, event, new Metadata(), { deadline }, answered);
    this.isFull ||= this.calls > HIGH_WATER_CALLS;
    return !this.isFull;
  }

  close(error?: BerthError): void {
    if (this.isOver) return;
    this.over(error);
    this.client.close();
  }

  protected flow(): void {
    this.isFlowing = true;
    for (const message of this.waiting.splice(0)) this.deliver(message);
  }

  private answered(error: ServiceError | null, bytes: Buffer | undefined): void {
    this.calls -= 1;
    if (this.isOver) return;
    if (error !== null || bytes === undefined) this.failed(error);
    else this.take(bytes);
    if (!this.isFull || this.calls > HIGH_WATER_CALLS / 2) return;
    this.isFull = false;
    this.drained();
  }

  private failed(error: ServiceError | null): void {
    // It has no answer to that kind of event, or not in time.
    if (error !== null && UNANSWERED.has(error.code)) return;
    this.close((error && callError(error, this.path)) ?? undefined);
  }

  private take(bytes: Buffer): void {
    try {
      const message = noHandshake(decodeToProxy(bytes));
      if (message === undefined) return;
      if (this.isFlowing) this.deliver(message);
      else this.waiting.push(message);
    } catch (thrown) {
      this.close(BerthError.from(thrown));
    }
  }
}

const UNANSWERED: ReadonlySet<number> = new Set([
  Status.INVALID_ARGUMENT,
  Status.UNIMPLEMENTED,
  Status.DEADLINE_EXCEEDED,
]);
