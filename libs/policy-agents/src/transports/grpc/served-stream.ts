import { Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import type { ProxyHello } from '../../capabilities.js';
import type { AgentHost, AgentMessage, ProxyLink, ProxyMessage } from '../../link.js';
import { versionFault } from '../../wire/handshake.js';
import { decodeToAgent } from '../../wire/proto/to-agent.js';
import { encodeReply, encodeToProxy } from '../../wire/proto/to-proxy.js';
import { GrpcLink } from './grpc-link.js';
import { noHandshake } from './outcomes.js';

/** A proxy's stream at an agent: its handshake, and then a link. */
export class ServedStream {
  private link: GrpcProxyLink | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly remote: string;

  constructor(
    private readonly call: ServerDuplexStream<Buffer, Buffer>,
    private readonly host: AgentHost,
    private readonly maxMessageBytes: number,
    handshakeTimeoutMs: number,
    private readonly refused: ((remote: string, thrown: unknown) => void) | undefined,
  ) {
    this.remote = `grpc://${call.getPeer()}`;
    // Proxies of the original say nothing before they have seen that the stream is taken.
    call.sendMetadata(new Metadata());
    this.timer = setTimeout(() => {
      this.fail(new BerthError('BERTH_HANDSHAKE_TIMEOUT', `no handshake within ${handshakeTimeoutMs} ms`));
    }, handshakeTimeoutMs);
    call.once('data', (bytes: Buffer) => {
      call.pause();
      this.begin(bytes);
    });
    call.on('end', () => {
      // A stream that was broken off ends as well, and says so in the same turn: that is no orderly end.
      setImmediate(() => {
        this.ended(undefined);
        if (!call.destroyed) call.end();
      });
    });
    for (const event of ['cancelled', 'error', 'close'] as const) {
      call.on(event, () => {
        this.ended(new BerthError('BERTH_CONNECTION_CLOSED', "the proxy's stream went away"));
      });
    }
  }

  close(): void {
    if (this.link) this.link.close();
    else this.call.end();
  }

  private begin(bytes: Buffer): void {
    try {
      clearTimeout(this.timer);
      const request = decodeToAgent(bytes);
      if (request?.kind !== 'handshake')
        throw new BerthError('BERTH_PROTOCOL_ERROR', 'the first message has to be a handshake');
      const fault = versionFault(request);
      if (fault !== undefined) {
        this.call.write(encodeReply(new BerthError('BERTH_VERSION_UNSUPPORTED', fault)));
        this.call.end();
        return;
      }
      this.call.write(encodeReply(this.host.capabilities()));
      this.link = new GrpcProxyLink(this.remote, this.call, this.maxMessageBytes, request.hello);
      this.host.linked(this.link);
    } catch (thrown) {
      this.fail(BerthError.from(thrown));
    }
  }

  private ended(error: BerthError | undefined): void {
    clearTimeout(this.timer);
    this.link?.callEnded(error);
  }

  private fail(error: BerthError): void {
    clearTimeout(this.timer);
    this.refused?.(this.remote, error);
    endCall(this.call, error);
  }
}

function endCall(call: ServerDuplexStream<Buffer, Buffer>, error: BerthError | undefined): void {
  if (call.destroyed) return;
  if (error === undefined) call.end();
  else call.emit('error', { code: error.grpcStatus, details: error.message, metadata: null });
}

class GrpcProxyLink extends GrpcLink<AgentMessage, ProxyMessage> implements ProxyLink {
  constructor(
    remote: string,
    private readonly stream: ServerDuplexStream<Buffer, Buffer>,
    maxMessageBytes: number,
    readonly hello: ProxyHello,
  ) {
    super(remote, stream, maxMessageBytes);
  }

  protected encode(message: AgentMessage): Buffer {
    return encodeToProxy(message);
  }

  protected decode(bytes: Buffer): ProxyMessage | undefined {
    return noHandshake(decodeToAgent(bytes));
  }

  protected finish(error: BerthError | undefined): void {
    endCall(this.stream, error);
  }
}
