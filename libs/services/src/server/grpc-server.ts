import { once } from 'node:events';
import { type AddressInfo, createServer, type Server as TcpServer, type Socket } from 'node:net';
import { setImmediate as soon } from 'node:timers/promises';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { messageOf } from '@berth/errors';
import type { Log } from '@berth/observability';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ServerError } from '../errors.js';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { within } from './desk.js';
import { HealthService } from './health-service.js';
import { OprcService } from './oprc-service.js';
import { addReflection } from './reflection.js';
import type { ServerSettings } from './server-options.js';
import { StreamGuard } from './stream-guard.js';

const HEADROOM = 1024;
/** How long clients may take at least to read their last replies and go, ms. */
const LEAVE_MS = 1000;

/**
 * `oprc.OprcFunction`, health and reflection on one port, once. The port is that
 * of a server of ours, which hands its connections to grpc-js: it tells exactly
 * why it cannot listen, and bounds them.
 */
export class GrpcServer {
  readonly #server: Server;
  readonly #tcp: TcpServer;
  readonly #guard: StreamGuard;
  readonly #oprc: OprcService;
  readonly #health = new HealthService(['', 'oprc.OprcFunction']);

  /** @param tls absent: plaintext */
  constructor(
    handler: InvocationHandler,
    settings: ServerSettings,
    tls: TlsOptions | undefined,
    private readonly log: Log,
  ) {
    this.#server = new Server({
      'grpc.max_receive_message_length': settings.maxMessageBytes,
      // Replies are measured before they get here; this holds for health and reflection too.
      'grpc.max_send_message_length': settings.maxMessageBytes + HEADROOM,
      'grpc.max_concurrent_streams': settings.maxConcurrentStreams,
      'grpc-node.max_session_memory': settings.maxSessionMemoryMiB,
      'grpc.max_connection_idle_ms': settings.maxConnectionIdleMs,
      'grpc.keepalive_time_ms': settings.keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
      'grpc.enable_channelz': 0,
    });
    this.#guard = new StreamGuard(settings);
    this.#oprc = new OprcService(handler, settings, this.#guard, log);
    // Services first, then the port: a client must never meet a server that does not know them yet.
    this.#oprc.addTo(this.#server);
    if (settings.health) this.#health.addTo(this.#server);
    if (settings.reflection) addReflection(this.#server, settings.health);
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const serve = (socket: Socket): void => {
      this.#guard.own(socket);
      injector.injectConnection(socket);
    };
    this.#tcp = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    this.#tcp.maxConnections = settings.maxConnections;
    this.#tcp.on('connection', (socket: Socket) => this.#guard.add(socket));
    // Such as having no file left for a connection; the server itself goes on.
    this.#tcp.on('error', (error) => {
      log.warn({ err: error }, 'function server could not listen or take a connection');
    });
  }

  /** @returns the port @throws ServerError `BERTH_FUNCTION_SERVER_FAILED`; nothing is left to stop then */
  async listen(port: number, host: string): Promise<number> {
    try {
      this.#tcp.listen(port, host);
      await once(this.#tcp, 'listening');
      return (this.#tcp.address() as AddressInfo).port;
    } catch (thrown) {
      this.#destroy();
      throw listenError(port, host, thrown);
    }
  }

  /** Refuses new calls, lets those that were admitted end, and cuts them off after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#health.set('NOT_SERVING');
    this.#oprc.stopping = true;
    this.#tcp.close();
    // Each connection ends with its last stream; one without a session has no call, and is not waited for.
    const drained = new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve(this.#guard.whenClosed()));
    });
    const deadline = performance.now() + timeoutMs;
    await this.#oprc.desk.drain(timeoutMs, (counts) => {
      this.log.warn({ ...counts, timeoutMs }, 'function server cuts off calls that did not end in time');
    });
    // What is left are watchers, unfinished requests, and replies on their way.
    this.#health.close();
    await soon();
    this.#guard.refuseIdle();
    await within(Math.max(deadline - performance.now(), LEAVE_MS), drained);
    this.#destroy();
  }

  #destroy(): void {
    this.#tcp.close();
    this.#server.forceShutdown();
    this.#guard.close();
  }
}

function listenError(port: number, host: string, thrown: unknown): ServerError {
  const { code = '' } = thrown as NodeJS.ErrnoException;
  const advice: Partial<Record<string, string>> = {
    EADDRINUSE: `port ${port} is taken: stop what listens on it, or choose another port (0: any free one)`,
    EACCES: `port ${port} may not be used by this user: choose one above 1023`,
    EADDRNOTAVAIL: `host ${host} is no address of this machine: choose another host`,
    ENOTFOUND: `host ${host} is not known: choose an address of this machine`,
  };
  return new ServerError(
    'BERTH_FUNCTION_SERVER_FAILED',
    `gRPC server cannot listen on ${host}:${port}: ${advice[code] ?? messageOf(thrown)}`,
    { host, port },
    { cause: thrown },
  );
}
