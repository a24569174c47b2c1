import { Inject, Injectable } from '@nestjs/common';
import { BerthError, messageOf } from '@berth/errors';
import { isAddressFault } from '@berth/http-server-pool';
import { LimitedLog, type Log } from '@berth/observability';
import { type Lease, PortAllocatorService } from '@berth/port-allocator';
import type { LocalService } from '../agents/index.js';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { LifecycleEvents } from '../lifecycle/index.js';
import { agentPortsConfig } from './agent-ports.settings.js';
import { PortKinds, type PortServer } from './port-kinds.js';

/** Where clients reach an agent. */
export interface OpenPort {
  port: number;
  /** as in {@link PortServer} */
  scheme: string;
}

/** A port with the server that listens on it. */
interface Berth {
  readonly service: LocalService;
  readonly lease: Lease;
  readonly server: PortServer;
  /** to be told when the server ends by itself */
  readonly onLost: (error: BerthError) => void;
}

export interface BerthOptions {
  /** ports to try before a registration is refused; those that other programs hold do not count */
  bindAttempts: number;
  /** for requests under way when a server stops, ms */
  stopGraceMs: number;
}

/** Opens and closes the servers of agents, and keeps leases and servers in step (checklist A5–A8). */
@Injectable()
export class AgentBerths {
  private readonly open = new Map<string, Berth>();
  private readonly stopping = new Set<Promise<void>>();
  /** services whose port is being given back in this turn, by their keys */
  private readonly releasing = new Map<string, Promise<void>>();
  private closed = false;
  /** for what every registration can cause */
  private readonly limited: LimitedLog;

  constructor(
    private readonly ports: PortAllocatorService,
    private readonly kinds: PortKinds,
    @Inject(agentPortsConfig.KEY) private readonly options: BerthOptions,
    private readonly events: LifecycleEvents,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {
    this.limited = new LimitedLog(log);
  }

  /** Snapshot: agent id, service, port, scheme, whether on loopback alone, and since when its server listens (ms since the epoch). */
  list(): (OpenPort & { agentId: string; service: string; loopback: boolean; startedAt: number })[] {
    return [...this.open.values()].map(({ lease, server, service }) => ({
      agentId: service.id,
      service: service.name,
      port: lease.port,
      scheme: server.scheme,
      loopback: service.loopback,
      startedAt: server.startedAt ?? lease.leasedAt,
    }));
  }

  /**
   * Resolves with the port once the service's server listens on it. Ports that
   * other programs hold are passed over, as many as there are.
   *
   * @param onLost told when the server ends by itself
   * @param wish the port that the agent asks for; 0: any
   * @throws BerthError `BERTH_PORT_KIND_UNSUPPORTED`, `BERTH_SERVER_EXISTS`, `BERTH_DRAINING`, what
   *   {@link PortAllocatorService.allocate} throws, or `BERTH_SERVER_START_FAILED` after all attempts
   */
  async start(service: LocalService, onLost: (error: BerthError) => void, wish = 0): Promise<OpenPort> {
    const { key } = service;
    const builder = this.kinds.builderOf(service.kind);
    await this.releasing.get(key);
    if (this.open.has(key)) throw new BerthError('BERTH_SERVER_EXISTS', `server already exists for agent ${key}`);
    const tried = new Set<number>();
    let failures = 0;
    for (;;) {
      const lease = this.ports.allocate(service.id, { service: service.name, avoid: tried, wish: wish || undefined });
      const server = builder.build({ service, port: lease.port });
      try {
        await server.start();
      } catch (thrown) {
        tried.add(lease.port);
        if (!this.putBack(lease, thrown)) failures += 1;
        const isLast = lease.isStatic || lease.isPinned || isAddressFault(thrown);
        if (isLast || failures >= this.options.bindAttempts) throw startFailed(key, tried.size, thrown);
        continue;
      }
      if (this.closed) {
        await server.stop(0);
        this.ports.release(lease.port);
        throw new BerthError('BERTH_DRAINING', 'the gateway is shutting down');
      }
      this.keep({ service, lease, server, onLost });
      // The agent is told of no port that would be another one after a crash.
      await this.ports.settled();
      return { port: lease.port, scheme: server.scheme };
    }
  }

  /**
   * Takes the agent's server from the list and closes its port at once; requests
   * under way get the grace. The port is free again when this resolves, while
   * answers may still be running out.
   *
   * @param graceMs for requests under way, ms
   * @throws BerthError `BERTH_SERVER_NOT_FOUND`
   */
  async stop(key: string, graceMs = this.options.stopGraceMs): Promise<void> {
    const berth = this.open.get(key);
    if (berth === undefined) throw new BerthError('BERTH_SERVER_NOT_FOUND', `no server found for agent ${key}`);
    this.open.delete(key);
    const named = namesOf(berth);
    const ended = berth.server
      .stop(graceMs)
      .catch((thrown: unknown) => {
        this.events.emit('server.stop-failed', { ...named, message: BerthError.from(thrown).message });
        this.log.error({ ...named, err: thrown }, 'agent server did not stop cleanly');
      })
      .finally(() => this.stopping.delete(ended));
    this.stopping.add(ended);
    // close() has given the port back to the system; its handle is gone by the next turn.
    const released = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.ports.release(berth.lease.port);
      this.releasing.delete(key);
    });
    this.releasing.set(key, released);
    await released;
    this.events.emit('port.released', { ...named, port: berth.lease.port });
    this.log.info({ event: 'port_closed', ...named, port: berth.lease.port }, 'agent server stopped');
  }

  /** Finds servers that are listed and do not listen (checklist A8). */
  checkListening(): void {
    for (const berth of [...this.open.values()]) {
      berth.server.checkListening?.();
      if (!berth.server.running && berth.server.reviving !== true) this.reportLost(berth, undefined);
    }
  }

  /** Whether a service that found no port could have that of another one, if that were given up. */
  couldHave({ id, name }: LocalService, other: LocalService): boolean {
    const port = this.open.get(other.key)?.lease.port;
    return port !== undefined && !this.ports.isFixed(id, name) && this.ports.isFor(port, id);
  }

  /** Whether an operator has given the service another port than it has. */
  isToMove({ key, id, name }: LocalService): boolean {
    const berth = this.open.get(key);
    const { record } = this.ports.portsOf(id, name);
    return berth !== undefined && record?.pinned === true && record.port !== berth.lease.port;
  }

  /** Stops all servers, whatever one of them does, waits for every one (checklist A7), and starts no more. */
  async close(graceMs: number): Promise<void> {
    this.closed = true;
    await Promise.allSettled([...this.open.keys()].map((key) => this.stop(key, graceMs)));
    await Promise.allSettled([...this.stopping]);
  }

  private keep(berth: Berth): void {
    const { lease, server, service } = berth;
    const opened = { ...namesOf(berth), port: lease.port, scheme: server.scheme };
    server.onLost = (error) => {
      this.reportLost(berth, error);
    };
    this.open.set(service.key, berth);
    this.ports.confirm(lease.port);
    this.events.emit('port.leased', opened);
    this.log.info({ event: 'port_opened', ...opened }, 'agent server listens');
  }

  /** @returns whether another program holds the port */
  private putBack({ agentId, port }: Lease, thrown: unknown): boolean {
    const error = BerthError.from(thrown);
    this.events.emit('server.start-failed', { agentId, message: error.message });
    const isForeign = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE';
    if (isForeign) {
      this.ports.setAside(port);
      this.limited.warn(
        { agentId, port },
        'another program holds a port that agents may have (http.agentPortRange, agentPorts.ranges)',
      );
    } else {
      this.ports.release(port, false);
      this.limited.error({ agentId, port, reason: error.message }, 'agent server could not start');
    }
    return isForeign;
  }

  private reportLost(berth: Berth, cause: Error | undefined): void {
    const { key } = berth.service;
    if (this.open.get(key) !== berth) return;
    this.log.error({ ...namesOf(berth), port: berth.lease.port, err: cause }, 'agent server ended by itself');
    berth.onLost(new BerthError('BERTH_SERVER_START_FAILED', `server of agent ${key} ended by itself`, { cause }));
  }
}

function startFailed(key: string, attempts: number, cause: unknown): BerthError {
  const tries = attempts === 1 ? '' : ` after ${attempts} attempts (agentPorts.bindAttempts)`;
  const where = isAddressFault(cause) ? ' (agentPorts.host, or listen.host of its policy)' : '';
  const what = `failed to start server${tries} for agent ${key}: ${messageOf(cause)}${where}`;
  return new BerthError('BERTH_SERVER_START_FAILED', what, { cause });
}

function namesOf({ service }: Berth): { agentId: string; service: string } {
  return { agentId: service.id, service: service.name };
}
