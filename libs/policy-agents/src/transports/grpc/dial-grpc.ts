import { type Client, type ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import type { AgentCapabilities, ProxyHello } from '../../capabilities.js';
import type { AgentLink, AgentMessage, ProxyMessage } from '../../link.js';
import { PACKAGES } from '../../wire/proto/schema.js';
import { encodeHello, encodeToAgent } from '../../wire/proto/to-agent.js';
import { decodeToProxy } from '../../wire/proto/to-proxy.js';
import { dialError } from '../framed/dial-unix.js';
import type { Patience } from '../framed/first-frames.js';
import { type ClientTls, grpcClient } from './grpc-channel.js';
import { GrpcLink, MAX_GRPC_MESSAGE_BYTES } from './grpc-link.js';
import { callError, capabilitiesFrom, noHandshake, NotImplemented, same } from './outcomes.js';
import { dialUnary, UNARY_TIMEOUT_MS } from './unary-link.js';

export interface GrpcDialOptions extends Patience {
  /** host:port */
  readonly target: string;
  readonly hello: ProxyHello;
  /** absent: plaintext */
  readonly tls?: ClientTls | undefined;
  /** one message, bytes; default 10 MiB */
  readonly maxMessageBytes?: number | undefined;
  /** each event in a call of its own, for agents without streams; default: where the agent has no streams */
  readonly unary?: boolean | undefined;
  /** for one such call, ms: nobody waits longer for its answer; default 120,000 */
  readonly unaryTimeoutMs?: number | undefined;
}

/** How agents were reached before, by their target: most of them have one of the package names alone. */
const known = new Map<string, Way>();
const MAX_KNOWN = 1000;

interface Way {
  readonly package: (typeof PACKAGES)[number];
  readonly unary: boolean;
}

/**
 * Connects to an agent that serves gRPC, under the package name that it has.
 *
 * @throws BerthError (as a rejection) that names the target: `BERTH_CONNECTION_CLOSED`, `BERTH_HANDSHAKE_TIMEOUT`,
 *   `BERTH_PROTOCOL_ERROR`, `BERTH_VERSION_UNSUPPORTED`, `BERTH_CONFIG_INVALID`, and `BERTH_POLICY_UNAVAILABLE` when the
 *   agent refuses
 */
export async function dialGrpc(options: GrpcDialOptions): Promise<AgentLink> {
  const { target, tls, maxMessageBytes = MAX_GRPC_MESSAGE_BYTES } = options;
  const remote = `${tls ? 'grpcs' : 'grpc'}://${target}`;
  let client: Client | undefined;
  try {
    client = grpcClient(target, tls, maxMessageBytes);
    return await firstThatWorks(client, remote, options, maxMessageBytes);
  } catch (thrown) {
    client?.close();
    throw dialError('policy agent', remote, thrown);
  }
}

async function firstThatWorks(
  client: Client,
  remote: string,
  options: GrpcDialOptions,
  maxMessageBytes: number,
): Promise<AgentLink> {
  const deadline = Date.now() + options.timeoutMs;
  const ways = waysTo(remote, options.unary);
  for (const [index, way] of ways.entries()) {
    const patience = { timeoutMs: Math.max(1, deadline - Date.now()), signal: options.signal };
    try {
      const link = way.unary
        ? await dialUnary(client, remote, way.package, options.hello, patience, {
            timeoutMs: options.unaryTimeoutMs ?? UNARY_TIMEOUT_MS,
            maxMessageBytes,
          })
        : await dialStream(client, remote, way.package, options.hello, patience, maxMessageBytes);
      remember(remote, way);
      return link;
    } catch (thrown) {
      if (!(thrown instanceof NotImplemented) || index === ways.length - 1) throw thrown;
    }
  }
  throw new BerthError('BERTH_INTERNAL', 'there is no way to reach an agent');
}

function waysTo(remote: string, unary: boolean | undefined): Way[] {
  const kinds = unary === undefined ? [false, true] : [unary];
  const ways = kinds.flatMap((kind) => PACKAGES.map((name): Way => ({ package: name, unary: kind })));
  const last = known.get(remote);
  return last === undefined || !kinds.includes(last.unary) ? ways : [last, ...ways];
}

function remember(remote: string, way: Way): void {
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(remote, way);
}

function dialStream(
  client: Client,
  remote: string,
  packageName: string,
  hello: ProxyHello,
  { timeoutMs, signal }: Patience,
  maxMessageBytes: number,
): Promise<AgentLink> {
  const path = `/${packageName}.AgentServiceV2/ProcessStream`;
  const call = client.makeBidiStreamRequest(path, same, same, new Metadata());
  return new Promise<AgentLink>((resolve, reject) => {
    let link: GrpcAgentLink | undefined;
    const fail = (error: BerthError): void => {
      settle();
      call.cancel();
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new BerthError('BERTH_HANDSHAKE_TIMEOUT', `no handshake within ${timeoutMs} ms`));
    }, timeoutMs);
    const aborted = (): void => {
      fail(new BerthError('BERTH_CONNECTION_CLOSED', 'it was given up'));
    };
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    };
    call.on('error', () => undefined); // the status says the same
    call.on('status', (status) => {
      settle();
      const error = callError(status, path);
      if (link) link.callEnded(error);
      else reject(error ?? new BerthError('BERTH_CONNECTION_CLOSED', 'the stream was ended in the handshake'));
    });
    call.once('data', (bytes: Buffer) => {
      call.pause();
      settle();
      try {
        const capabilities = capabilitiesFrom(bytes);
        link = new GrpcAgentLink(remote, call, maxMessageBytes, capabilities, client);
        resolve(link);
      } catch (thrown) {
        fail(BerthError.from(thrown));
      }
    });
    if (signal?.aborted === true) aborted();
    else {
      signal?.addEventListener('abort', aborted);
      call.write(encodeHello(hello));
    }
  });
}

/** How long an agent may take to notice that its call was closed, ms. */
const CLOSE_GRACE_MS = 1000;

class GrpcAgentLink extends GrpcLink<ProxyMessage, AgentMessage> implements AgentLink {
  private isReleased = false;

  constructor(
    remote: string,
    private readonly stream: ClientDuplexStream<Buffer, Buffer>,
    maxMessageBytes: number,
    readonly capabilities: AgentCapabilities,
    private readonly client: Client,
  ) {
    super(remote, stream, maxMessageBytes);
  }

  override callEnded(error: BerthError | undefined): void {
    super.callEnded(error);
    this.isReleased = true;
    this.client.close();
  }

  protected encode(message: ProxyMessage): Buffer {
    return encodeToAgent(message);
  }

  protected decode(bytes: Buffer): AgentMessage | undefined {
    return noHandshake(decodeToProxy(bytes));
  }

  protected finish(error: BerthError | undefined): void {
    if (error) {
      this.stream.cancel();
      return;
    }
    this.stream.end();
    // Its status is not seen before what came is read.
    this.stream.resume();
    const timer = setTimeout(() => {
      if (!this.isReleased) this.stream.cancel();
    }, CLOSE_GRACE_MS);
    timer.unref();
    this.stream.once('status', () => {
      clearTimeout(timer);
    });
  }
}
