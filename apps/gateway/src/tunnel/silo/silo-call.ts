import { randomBytes } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { BerthError } from '@berth/errors';
import { DEFAULT_SERVICE } from '@berth/exchange';
import type { Log } from '@berth/observability';
import {
  decodeProxyMessage,
  type MessageTaker,
  metadataValue,
  type ProxyMessage,
  receiveFromClient,
} from '@berth/tunnel-protocol';
import type { AgentRegistry, Registration } from '../../agents/index.js';
import type { LifecycleEvents } from '../../lifecycle/index.js';
import type { EdgeCall } from '../edge-call.js';
import type { EdgeLog } from '../edge-log.js';
import type { Refusals } from '../refusals.js';
import { DEFAULT_PORT_KIND } from '../../ports/index.js';
import { SiloConnection, type SiloEvents, type SiloLimits } from './silo-connection.js';
import { siloStream } from './silo-stream.js';

/** What calls share. */
export interface SiloSurroundings {
  readonly registry: AgentRegistry;
  readonly limits: SiloLimits & { handshakeTimeoutMs: number; maxAnswerBytes: number };
  readonly refusals: Refusals;
  readonly events: LifecycleEvents;
  readonly log: Log;
  /** takes the lines that strangers can cause */
  readonly limited: EdgeLog;
  /**
   * Whether the caller may be this agent.
   *
   * @throws BerthError what refuses it
   */
  check(agentId: string, call: ServerDuplexStream<Buffer, Buffer>): void;
}

/** HTTP/2 window of a connection with an agent: an answer of the usual size is on its way without a wait. */
const WINDOW_BYTES = 4 * 1024 * 1024;

/** The wire names no kind of port and nothing else of itself. */
const REGISTRATION: Registration = {
  metadata: { protocol: 'silo-proxy' },
  services: [{ name: DEFAULT_SERVICE, kind: DEFAULT_PORT_KIND, port: 0, healthPath: '' }],
};

/** One stream of the original wire, from its first message to its end. */
export class SiloCall implements MessageTaker, SiloEvents {
  private readonly stream;
  private connection: SiloConnection | undefined;
  private ended = false;
  private isRegistered = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly around: SiloSurroundings,
    private readonly call: ServerDuplexStream<Buffer, Buffer>,
    private readonly edgeCall: EdgeCall,
  ) {
    this.stream = siloStream(call, edgeCall);
    const { handshakeTimeoutMs } = around.limits;
    this.timer = setTimeout(() => {
      const what = `no agent_id within ${handshakeTimeoutMs} ms (tunnel.handshakeTimeoutMs)`;
      this.refuse('', new BerthError('BERTH_HANDSHAKE_TIMEOUT', what));
    }, handshakeTimeoutMs);
    this.timer.unref();
    edgeCall.onGivenUp = (error) => {
      this.refuse('', error);
    };
    receiveFromClient(call, this, around.limits.maxAnswerBytes);
  }

  receive(bytes: Buffer): void {
    if (this.ended) return;
    try {
      const message = decodeProxyMessage(bytes);
      if (this.connection === undefined) this.begin(message);
      this.connection?.receive(message);
    } catch (thrown) {
      const error = BerthError.from(thrown);
      if (this.connection === undefined) this.refuse('', error);
      else this.connection.close(error);
    }
  }

  /** The stream has ended. */
  close(error?: BerthError): void {
    if (this.connection !== undefined) this.connection.close(error);
    else if (!this.ended) {
      this.finish();
      this.stream.close();
    }
  }

  // --- of its connection -----------------------------------------------------

  cookie(): void {
    const fields = { agentId: this.connection?.agentId };
    this.around.log.warn(
      fields,
      'answers of this agent have one Set-Cookie at the most: its protocol loses the others',
    );
  }

  stray(type: number): void {
    const { agentId, id: connectionId } = this.connection ?? {};
    this.around.limited.debug(
      { agentId, connectionId, type },
      'a message of an agent of the original kind is for nobody',
    );
  }

  closed(error: BerthError | undefined): void {
    const { connection, around } = this;
    this.finish();
    if (connection === undefined) return;
    around.registry.unregister(connection, error?.code ?? 'closed');
    const fields = {
      event: 'connection_closed',
      agentId: connection.agentId,
      connectionId: connection.id,
      code: error?.code,
      reason: error?.message,
    };
    if (error?.code === 'BERTH_PROTOCOL_ERROR')
      around.limited.warn(fields, 'connection closed: the agent broke the protocol');
    else around.log[this.isRegistered ? 'info' : 'debug'](fields, 'connection closed');
  }

  // ---------------------------------------------------------------------------

  /** The first message says who it is. */
  private begin({ metadata }: ProxyMessage): void {
    const { around, call, edgeCall } = this;
    const agentId = metadataValue(metadata, 'agent_id') ?? '';
    try {
      around.check(agentId, call);
    } catch (thrown) {
      this.refuse(agentId, thrown);
      return;
    }
    clearTimeout(this.timer);
    edgeCall.accept(WINDOW_BYTES);
    const origin = {
      remoteAddress: call.getPeer(),
      softwareVersion: `silo-proxy ${String(call.metadata.get('user-agent')[0] ?? '')}`.slice(0, 64).trim(),
      // The wire names no process: each stream counts as one of its own.
      instanceId: randomBytes(8).toString('hex'),
    };
    const id = randomBytes(6).toString('hex');
    this.connection = new SiloConnection(id, agentId, origin, this.stream, around.limits, this);
    void this.register(this.connection);
  }

  private async register(connection: SiloConnection): Promise<void> {
    const { registry, log } = this.around;
    const { id: connectionId, agentId, origin } = connection;
    try {
      const { port } = await registry.register(connection, REGISTRATION, () => {
        connection.welcome();
      });
      this.isRegistered = true;
      const { remoteAddress } = origin;
      const event = 'connection_registered';
      log.info({ event, agentId, connectionId, port, remoteAddress }, 'connection registered');
    } catch (thrown) {
      if (!connection.closed) connection.close(this.around.refusals.refused(agentId, thrown));
    }
  }

  private refuse(agentId: string, thrown: unknown): void {
    if (this.ended) return;
    const error = this.around.refusals.refused(agentId, thrown);
    if (this.connection !== undefined) {
      this.connection.close(error);
      return;
    }
    this.finish();
    this.stream.close(error);
  }

  private finish(): void {
    this.ended = true;
    clearTimeout(this.timer);
    this.edgeCall.end();
  }
}
