import type { PeerCertificate } from 'node:tls';
import { Inject, Injectable } from '@nestjs/common';
import { BerthError } from '@berth/errors';
import type { Log } from '@berth/observability';
import {
  type BatchTransport,
  type Hello,
  PROTOCOL_VERSION,
  type ServiceList,
  type TunnelSession,
  type WindowSettings,
} from '@berth/tunnel-protocol';
import { type Agent, AgentRegistry } from '../agents/index.js';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { checkAgentId, checkCertificate, checkToken } from './agent-credentials.js';
import type { EdgeCall } from './edge-call.js';
import { checkOffers, offersOf } from './offers.js';
import { EdgeLog } from './edge-log.js';
import { HANDSHAKE_OPTIONS } from './handshake-options.js';
import { Refusals } from './refusals.js';
import { ServiceUpdates } from './service-updates.js';
import { type ConnectionJudge, TunnelConnection } from './tunnel-connection.js';

export interface HandshakeOptions {
  handshakeTimeoutMs: number;
  pingIntervalMs: number;
  pingTimeoutMs: number;
  /** empty: none is asked for */
  token: string;
  /** host to show to people, empty: the one the agent dialled */
  publicHost: string;
  window: WindowSettings;
  sendAheadBytes: number;
  maxControlBytes: number;
}

/** Who is at the other end of a new stream. */
export interface Caller {
  remoteAddress: string;
  certificate: PeerCertificate | undefined;
  /** a client certificate is required */
  certificateRequired: boolean;
  /** the stream below */
  call: Pick<EdgeCall, 'accept' | 'end' | 'onGivenUp'>;
}

const MAX_METADATA_ENTRIES = 32;
const MAX_METADATA_CHARS = 256;
const MAX_TOKEN_CHARS = 4096;

/**
 * Judges who comes: takes a connection from its Hello into the registry, or
 * refuses it, and lets go of it when it has ended.
 */
@Injectable()
export class Handshakes implements ConnectionJudge {
  /** @param limited takes the lines that strangers can cause */
  constructor(
    private readonly registry: AgentRegistry,
    @Inject(HANDSHAKE_OPTIONS) private readonly options: HandshakeOptions,
    private readonly events: LifecycleEvents,
    @Inject(GATEWAY_LOG) private readonly log: Log,
    private readonly limited: EdgeLog,
    private readonly refusals: Refusals,
  ) {}

  /** @returns the session to feed with what the stream brings */
  accept(transport: BatchTransport, caller: Caller): TunnelSession {
    return new TunnelConnection(transport, caller, this.options, this);
  }

  hello(connection: TunnelConnection, hello: Hello): void {
    try {
      this.check(hello, connection.caller);
    } catch (thrown) {
      this.refuse(connection, thrown, hello.agentId);
      return;
    }
    // First: the pool may hand the connection out in the moment it is added.
    connection.identify(hello);
    void this.register(hello, connection);
  }

  offered(connection: TunnelConnection, list: ServiceList): void {
    connection.updates ??= new ServiceUpdates(connection, this.registry, (thrown) => {
      this.log.error({ err: thrown }, 'local services could not be changed, by a fault of ours');
      connection.close(BerthError.from(thrown));
    });
    connection.updates.take(list);
  }

  fault(thrown: unknown): void {
    this.log.error({ err: thrown }, 'an exchange failed by a fault of ours');
  }

  ended(connection: TunnelConnection, error: BerthError | undefined): void {
    const { identified } = connection;
    if (identified) this.registry.unregister(connection, error?.code ?? 'closed');
    const named = identified ? { agentId: connection.agentId, connectionId: connection.id } : {};
    const fields = { event: 'connection_closed', ...named, code: error?.code, reason: error?.message };
    // A refusal has had its line.
    if (error?.code !== 'BERTH_PROTOCOL_ERROR' || connection.refused) {
      // Where replicas share an id, nothing else says that one has gone.
      this.log[identified && !connection.refused ? 'info' : 'debug'](fields, 'connection closed');
      return;
    }
    const { remoteAddress } = connection.caller;
    if (!identified) this.events.emit('handshake.failed', { remoteAddress, reason: 'protocol' });
    this.limited.warn({ ...fields, remoteAddress }, 'connection closed: the agent broke the protocol');
  }

  refuse(connection: TunnelConnection, thrown: unknown, agentId = ''): void {
    if (connection.closed) return;
    connection.refuse(this.refusals.refused(agentId, thrown));
  }

  private check(hello: Hello, caller: Caller): void {
    checkAgentId(hello.agentId);
    if (hello.token.length > MAX_TOKEN_CHARS) throw new BerthError('BERTH_UNAUTHENTICATED', 'the token is too long');
    checkToken(this.options.token, hello.token);
    if (caller.certificateRequired && caller.certificate === undefined) {
      throw new BerthError(
        'BERTH_CERTIFICATE_MISMATCH',
        'this gateway requires a client certificate (grpc.tls.clientCert)',
      );
    }
    checkCertificate(caller.certificate, hello.agentId);
    if (!hello.versions.includes(PROTOCOL_VERSION)) {
      throw new BerthError(
        'BERTH_VERSION_UNSUPPORTED',
        `this gateway speaks version ${PROTOCOL_VERSION}, the agent ${hello.versions.slice(0, 8).join(', ')}`,
      );
    }
    const { maxExchanges, initialWindowBytes } = hello.limits;
    if (maxExchanges < 1 || initialWindowBytes < 1 || initialWindowBytes > 0x7fffffff) {
      throw new BerthError(
        'BERTH_PROTOCOL_ERROR',
        'Hello.limits must name maxExchanges and initialWindowBytes, both at least 1',
      );
    }
    checkOffers(hello.services);
    const metadata = Object.entries(hello.metadata);
    if (
      metadata.length > MAX_METADATA_ENTRIES ||
      metadata.some(([key, value]) => key.length + value.length > MAX_METADATA_CHARS)
    ) {
      throw new BerthError(
        'BERTH_PROTOCOL_ERROR',
        `Hello.metadata is limited to ${MAX_METADATA_ENTRIES} entries of ${MAX_METADATA_CHARS} characters`,
      );
    }
  }

  private async register(hello: Hello, connection: TunnelConnection): Promise<void> {
    const registration = { metadata: hello.metadata, services: offersOf(hello) };
    let agent: Agent;
    try {
      agent = await this.registry.register(connection, registration, (ports) => {
        connection.welcome(ports);
      });
    } catch (thrown) {
      this.refuse(connection, thrown, hello.agentId);
      return;
    }
    connection.registered();
    this.log.info(
      {
        event: 'connection_registered',
        agentId: agent.id,
        connectionId: connection.id,
        port: agent.port,
        remoteAddress: connection.origin.remoteAddress,
      },
      'connection registered',
    );
  }
}
