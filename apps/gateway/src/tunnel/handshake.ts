import { randomBytes } from 'node:crypto';
import type { PeerCertificate } from 'node:tls';
import { Inject, Injectable } from '@nestjs/common';
import { BerthError } from '@berth/errors';
import type { Log } from '@berth/observability';
import {
  type BatchTransport,
  CREDIT_RETURN_FEATURE,
  type Hello,
  Liveness,
  PROTOCOL_VERSION,
  TunnelSession,
  type WindowSettings,
} from '@berth/tunnel-protocol';
import { type Agent, AgentRegistry } from '../agents/index.js';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { checkAgentId, checkCertificate, checkToken } from './agent-credentials.js';
import type { EdgeCall } from './edge-call.js';
import { EdgeLog } from './edge-log.js';
import { HANDSHAKE_OPTIONS } from './handshake-options.js';
import { TunnelConnection } from './tunnel-connection.js';

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

/** Of what a peer said, in a log line or an answer to it. */
const MAX_ECHO_CHARS = 256;

/**
 * Takes a new stream from its first byte to a registered connection, and lets
 * go of it when it closes. Nothing is allocated for a caller before its
 * credentials have been checked, but the session itself.
 */
@Injectable()
export class Handshakes {
  /** @param limited takes the lines that strangers can cause */
  constructor(
    private readonly registry: AgentRegistry,
    @Inject(HANDSHAKE_OPTIONS) private readonly options: HandshakeOptions,
    private readonly events: LifecycleEvents,
    @Inject(GATEWAY_LOG) private readonly log: Log,
    private readonly limited: EdgeLog,
  ) {}

  /** @returns the session to feed with what the stream brings */
  accept(transport: BatchTransport, caller: Caller): TunnelSession {
    const { options } = this;
    let connection: TunnelConnection | undefined;
    let waiting = true;
    const settled = (): void => {
      waiting = false;
      clearTimeout(timer);
    };
    const session: TunnelSession = new TunnelSession(
      transport,
      {
        hello: (hello) => {
          try {
            this.check(hello, caller);
          } catch (thrown) {
            settled();
            this.refuse(session, hello.agentId, thrown);
            return;
          }
          caller.call.accept();
          connection = this.connect(hello, session, caller);
          void this.register(hello, connection, liveness).finally(settled);
        },
        pong: (sequence) => {
          liveness.pong(sequence);
          connection?.pong(sequence);
        },
        goaway: () => connection?.leave(),
        exchangeEnded: () => connection?.exchangeEnded(),
        fault: (thrown) => {
          this.log.error({ err: thrown }, 'an exchange failed by a fault of ours');
        },
        closed: (error) => {
          // A refusal has had its line.
          const refused = !waiting && connection === undefined;
          settled();
          liveness.stop();
          caller.call.end();
          connection?.ended();
          if (connection !== undefined) this.registry.unregister(connection, error?.code ?? 'closed');
          if (error !== undefined) {
            const { code, message: reason } = error;
            const fields = { agentId: connection?.agentId, connectionId: connection?.id, code, reason };
            if (code === 'BERTH_PROTOCOL_ERROR' && !refused) {
              const { remoteAddress } = caller;
              if (connection === undefined) this.events.emit('handshake.failed', { remoteAddress, reason: 'protocol' });
              this.limited.warn({ ...fields, remoteAddress }, 'connection closed: the agent broke the protocol');
            } else this.log.debug(fields, 'connection closed');
          }
        },
      },
      {
        role: 'gateway',
        window: options.window,
        maxExchanges: 0,
        sendAheadBytes: options.sendAheadBytes,
        maxControlBytes: options.maxControlBytes,
        now: () => performance.now(),
      },
    );
    const liveness = new Liveness(
      session,
      { intervalMs: options.pingIntervalMs, timeoutMs: options.pingTimeoutMs },
      () => performance.now(),
    );
    caller.call.onGivenUp = (error) => {
      settled();
      this.refuse(session, '', error);
    };
    const timer = setTimeout(() => {
      this.refuse(
        session,
        '',
        new BerthError(
          'BERTH_HANDSHAKE_TIMEOUT',
          `no Hello within ${options.handshakeTimeoutMs} ms (tunnel.handshakeTimeoutMs)`,
        ),
      );
    }, options.handshakeTimeoutMs);
    timer.unref();
    return session;
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

  private connect(hello: Hello, session: TunnelSession, caller: Caller): TunnelConnection {
    return new TunnelConnection(randomBytes(6).toString('hex'), hello.agentId, session, {
      remoteAddress: caller.remoteAddress,
      softwareVersion: hello.softwareVersion.slice(0, 64),
      // An agent that names no process counts as a new one with every connection.
      instanceId: hello.instanceId === '' ? randomBytes(8).toString('hex') : hello.instanceId.slice(0, 64),
    });
  }

  private async register(hello: Hello, connection: TunnelConnection, liveness: Liveness): Promise<void> {
    const { session } = connection;
    // Set first: the pool may hand the connection out in the moment it is added.
    session.establish(hello.limits, { owner: hello.agentId, features: hello.features });
    let agent: Agent;
    try {
      agent = await this.registry.register(connection, hello.metadata, (port) => {
        this.welcome(connection, port);
      });
    } catch (thrown) {
      this.refuse(session, hello.agentId, thrown);
      return;
    }
    liveness.start();
    this.log.info(
      {
        agentId: agent.id,
        connectionId: connection.id,
        port: agent.port,
        remoteAddress: connection.origin.remoteAddress,
      },
      'connection registered',
    );
  }

  private welcome(connection: TunnelConnection, port: number): void {
    const { options } = this;
    connection.session.sendWelcome({
      version: PROTOCOL_VERSION,
      connectionId: connection.id,
      port,
      host: options.publicHost,
      limits: { maxExchanges: 0, initialWindowBytes: options.window.startBytes },
      pingIntervalMs: options.pingIntervalMs,
      pingTimeoutMs: options.pingTimeoutMs,
      features: [CREDIT_RETURN_FEATURE],
    });
  }

  private refuse(session: TunnelSession, agentId: string, thrown: unknown): void {
    if (session.closed) return;
    const error = echoOf(BerthError.from(thrown));
    const fields = { agentId: agentId.slice(0, MAX_ECHO_CHARS), code: error.code };
    this.events.emit('registration.refused', { ...fields, message: error.message });
    // The code belongs to the kind: a flood of one refusal must not hide another.
    if (error.code === 'BERTH_INTERNAL') this.limited.error({ ...fields, err: error.cause }, 'registration failed');
    else this.limited.warn({ ...fields, reason: error.message }, `registration refused: ${error.code}`);
    session.refuse(error);
  }
}

/** The error with no more of what the peer said than a line holds. */
function echoOf(error: BerthError): BerthError {
  const { code, message, cause } = error;
  if (message.length <= MAX_ECHO_CHARS) return error;
  return new BerthError(code, `${message.slice(0, MAX_ECHO_CHARS)} …`, { cause });
}
