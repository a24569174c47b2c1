import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';
import { BerthError, messageOf } from '@berth/errors';
import { cut, LimitedLog, type Log, printable } from '@berth/observability';
import type { ProxyHello } from '../../capabilities.js';
import type { AgentLink } from '../../link.js';
import { FrameType } from '../../wire/shapes/frame-types.js';
import { firstFrame, handshakeFrame } from '../framed/first-frames.js';
import { chosenDialect } from '../framed/framed-handshake.js';
import { FramedAgentLink } from '../framed/framed-link.js';
import { closeListener, listenOn, type ListenAddress } from '../framed/listen.js';
import type { ServerTls } from '../grpc/serve-grpc.js';
import { type NewcomerLimits, Newcomers } from './newcomers.js';
import { readRegistration, type Registration, registrationReplyFields } from './registration.js';

export interface ReverseListenOptions extends Partial<NewcomerLimits> {
  /** a unix socket is for this user alone (mode 0600) */
  readonly address: ListenAddress;
  /** absent: plaintext */
  readonly tls?: ServerTls | undefined;
  /** what agents are told of this proxy */
  readonly hello: ProxyHello;
  /** Whether an agent is taken in: undefined, or why not, which the agent is told. {@link taken} follows at once. */
  admit(registration: Registration, remote: string): BerthError | undefined;
  /** An agent has been told that it is taken in. */
  taken(link: AgentLink, registration: Registration): void;
  readonly log: Log;
  /** for a registration, TLS included, ms; default 10 s */
  readonly handshakeTimeoutMs?: number | undefined;
  /** connections at once, registered or not; default 1024 */
  readonly maxConnections?: number | undefined;
}

/** What takes in agents that dial. */
export interface ReverseListener {
  /** such as `127.0.0.1:9100`, with the port that it got, or `unix:/run/x.sock` */
  readonly address: string;
  /** Later connections get this certificate; those that stand keep theirs. @throws Error that says why it cannot be used */
  renew(tls: ServerTls): void;
  /** Takes nobody in any more, and ends the connections of those who were taken in. Idempotent. */
  close(): Promise<void>;
}

const DEFAULTS = { maxPending: 128, maxPendingPerAddress: 32, handshakeTimeoutMs: 10_000, maxConnections: 1024 };

/**
 * Listens for agents that dial (checklist C3, C17).
 *
 * @throws Error of the system (as a rejection) when it cannot listen, or the certificate cannot be used
 */
export async function listenForAgents(options: ReverseListenOptions): Promise<ReverseListener> {
  const entrance = new Entrance(options);
  const server = createServer((socket) => {
    entrance.enter(socket);
  });
  server.maxConnections = options.maxConnections ?? DEFAULTS.maxConnections;
  const address = await listenOn(server, options.address);
  return {
    address,
    renew: (tls) => {
      entrance.tls?.setSecureContext(tls);
    },
    close: () => {
      entrance.close();
      return closeListener(server, entrance.sockets);
    },
  };
}

class Entrance {
  readonly sockets = new Set<Socket>();
  private readonly links = new Map<Socket, AgentLink>();
  private readonly newcomers: Newcomers;
  private readonly log: LimitedLog;
  private readonly timeoutMs: number;
  readonly tls: TlsServer | undefined;
  private readonly secure: ((socket: Socket) => Promise<TLSSocket>) | undefined;

  constructor(private readonly options: ReverseListenOptions) {
    this.newcomers = new Newcomers({ ...DEFAULTS, ...options });
    this.log = new LimitedLog(options.log);
    this.timeoutMs = options.handshakeTimeoutMs ?? DEFAULTS.handshakeTimeoutMs;
    this.tls = options.tls && tlsServer(options.tls, this.timeoutMs);
    this.secure = this.tls && secured(this.tls);
  }

  enter(socket: Socket): void {
    const remote = remoteOf(socket, this.options.address);
    const leave = this.newcomers.enter(socket);
    if (leave === undefined) {
      socket.destroy();
      this.log.warn({ remote }, 'policy agents: a connection was closed: too many have not registered yet');
      return;
    }
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    socket.setKeepAlive(true, 30_000);
    socket.setNoDelay(true);
    this.register(socket, remote).then(leave, (thrown: unknown) => {
      socket.destroy();
      this.logRefusal(remote, thrown);
    });
  }

  /** Ends the links, and at once what has not become one. */
  close(): void {
    for (const socket of this.sockets) {
      const link = this.links.get(socket);
      if (link) link.close();
      else socket.destroy();
    }
  }

  private async register(socket: Socket, remote: string): Promise<void> {
    const carrier = this.secure ? await this.secure(socket) : socket;
    const patience = { timeoutMs: this.timeoutMs };
    const { channel, fields } = await firstFrame(carrier, remote, FrameType.handshakeRequest, patience);
    const { hello } = this.options;
    const reply = (error: string | undefined, connectionId: string): void => {
      const dialect = error === undefined ? chosenDialect(fields) : undefined;
      const answer = registrationReplyFields({ error, hello, connectionId }, dialect);
      channel.write(handshakeFrame(FrameType.handshakeResponse, answer));
    };
    const registration = readRegistration(fields);
    const refusal = this.options.admit(registration, remote);
    if (refusal) {
      reply(refusal.message, '');
      channel.close();
      this.logRefusal(remote, refusal, registration.agentId);
      return;
    }
    reply(undefined, randomBytes(8).toString('hex'));
    const link = new FramedAgentLink('reverse', channel, chosenDialect(fields), registration.capabilities);
    this.links.set(socket, link);
    socket.once('close', () => this.links.delete(socket));
    this.options.taken(link, registration);
  }

  private logRefusal(remote: string, thrown: unknown, agentId?: string): void {
    const error = thrown instanceof BerthError ? thrown : new BerthError('BERTH_PROTOCOL_ERROR', messageOf(thrown));
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
    this.log.warn(
      {
        remote,
        ...(agentId === undefined ? {} : { policyAgent: printable(cut(agentId, 64)) }),
        code: error.code,
        reason: `${error.message}${cause}`,
      },
      'policy agents: a registration was refused',
    );
  }
}

function remoteOf({ remoteAddress, remotePort }: Socket, address: ListenAddress): string {
  return 'path' in address ? `unix:${address.path}` : `${remoteAddress ?? '?'} port ${remotePort ?? 0}`;
}

function tlsServer(tls: ServerTls, handshakeTimeoutMs: number): TlsServer {
  return createTlsServer({
    ...tls,
    ...(tls.ca ? { requestCert: true, rejectUnauthorized: true } : {}),
    handshakeTimeout: handshakeTimeoutMs,
  });
}

/** TLS of a server for sockets that somebody else has accepted. */
function secured(server: TlsServer): (socket: Socket) => Promise<TLSSocket> {
  const waiting = new Map<string, (secured: TLSSocket) => void>();
  const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? 0}`;
  server.on('secureConnection', (socket) => waiting.get(keyOf(socket))?.(socket));
  server.on('tlsClientError', (_error, socket) => {
    socket.destroy();
  });
  return (socket) =>
    new Promise((resolve, reject) => {
      const key = keyOf(socket);
      waiting.set(key, resolve);
      socket.once('close', () => {
        waiting.delete(key);
        reject(new BerthError('BERTH_CONNECTION_CLOSED', 'its TLS handshake failed'));
      });
      server.emit('connection', socket);
    });
}
