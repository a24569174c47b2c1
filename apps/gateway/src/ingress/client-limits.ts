import type { Socket } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { BerthError } from '@berth/errors';
import type { LimitedLog, Log } from '@berth/observability';
import { peerAddress } from '@berth/http-server-pool';
import { GATEWAY_LOG } from '../gateway.tokens.js';
import { addressKey } from '../policy/index.js';
import { agentPortsConfig } from '../ports/index.js';

/** How many client connections there may be, each with one exchange at a time; all at least 1. */
export interface ConnectionLimits {
  /** of one agent's port */
  maxConnections: number;
  /** of one client address on one port */
  maxConnectionsPerAddress: number;
  /** of all ports together */
  maxTotalConnections: number;
}

/** Above the limits, so many connections may wait to be told so. */
export const MAX_REFUSED = 64;

/** And where descriptors are few, at least so many. */
const MIN_REFUSED = 8;

/** For the first request of a connection above a limit, which is answered with 503; ms. */
const REFUSED_MS = 2000;

/** The episode of refusals is over when so much is free again. */
const RECOVERED_SHARE = 0.9;

/** Client connections of all ports, of whatever kind: they must leave descriptors for agents and the admin port. */
@Injectable()
export class ClientTotal {
  open = 0;
  /** refused at the limits of all ports, since the start */
  everRefused = 0;
  /** connections above a limit that still stand */
  private refusing = 0;
  /** refused since the total was reached; 0: no such episode */
  private refused = 0;

  constructor(
    @Inject(agentPortsConfig.KEY) readonly limits: ConnectionLimits,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {}

  get full(): boolean {
    return this.open >= this.limits.maxTotalConnections;
  }

  /** Counts one that was refused for the total, and tells of the first. */
  countRefusal(): void {
    this.refused += 1;
    if (this.refused > 1) return;
    this.log.error(
      { connections: this.open, maxTotalConnections: this.limits.maxTotalConnections },
      'client connections are refused: there are as many as agentPorts.maxTotalConnections; raise it together with the descriptors of the process (LimitNOFILE, ulimit -n)',
    );
  }

  /**
   * Counts a connection that does not say yet whose it is; one too many is reset.
   *
   * @returns whether it was taken; {@link release} gives its place to the client that it turns out to be of
   */
  hold(socket: Socket): boolean {
    if (this.full) {
      this.countRefusal();
      socket.resetAndDestroy();
      return false;
    }
    this.open += 1;
    socket.once('close', this.closed);
    return true;
  }

  release(socket: Socket): void {
    socket.off('close', this.closed);
    this.closed();
  }

  readonly closed = (): void => {
    this.open -= 1;
    if (this.refused === 0 || this.open > this.limits.maxTotalConnections * RECOVERED_SHARE) return;
    this.log.info({ connections: this.open, refused: this.refused }, 'client connections are taken again');
    this.refused = 0;
  };

  /** Lets a connection above a limit stand until it has got its answer, if there are not many such. */
  linger(socket: Socket): void {
    const some = Math.max(MIN_REFUSED, this.limits.maxTotalConnections / 16);
    if (this.refusing >= Math.min(MAX_REFUSED, some)) {
      socket.resetAndDestroy();
      return;
    }
    this.refusing += 1;
    const timer = setTimeout(() => socket.destroy(), REFUSED_MS);
    timer.unref();
    socket.once('close', () => {
      this.refusing -= 1;
      clearTimeout(timer);
    });
  }
}

interface AddressCount {
  open: number;
}

/** Counts the connections of one port, in all and by address. */
export class ClientLimits {
  private open = 0;
  private readonly addresses = new Map<string, AddressCount>();
  /** of this port alone; 0: those of all */
  own: Pick<ConnectionLimits, 'maxConnections' | 'maxConnectionsPerAddress'> = {
    maxConnections: 0,
    maxConnectionsPerAddress: 0,
  };

  /** @param agentId whose port it is */
  constructor(
    private readonly agentId: string,
    private readonly total: ClientTotal,
    private readonly log: LimitedLog,
  ) {}

  /**
   * Takes a connection, or says why not; one that is not taken is closed soon.
   *
   * @returns the answer to its requests; undefined when it is taken
   */
  admit(socket: Socket): BerthError | undefined {
    const { total } = this;
    const key = addressKey(peerAddress(socket.remoteAddress));
    const known = this.addresses.get(key);
    const refusal = this.refusal(known?.open ?? 0, key);
    if (refusal !== undefined) {
      total.everRefused += 1;
      total.linger(socket);
      return refusal;
    }
    const count = known ?? { open: 0 };
    if (known === undefined) this.addresses.set(key, count);
    count.open += 1;
    this.open += 1;
    total.open += 1;
    socket.once('close', () => {
      count.open -= 1;
      if (count.open === 0) this.addresses.delete(key);
      this.open -= 1;
      total.closed();
    });
    return undefined;
  }

  private refusal(ofAddress: number, address: string): BerthError | undefined {
    const { agentId, open, log, total } = this;
    const { maxTotalConnections } = total.limits;
    const maxConnections = this.own.maxConnections || total.limits.maxConnections;
    const maxConnectionsPerAddress = this.own.maxConnectionsPerAddress || total.limits.maxConnectionsPerAddress;
    if (total.full) {
      total.countRefusal();
      const what = `the gateway has ${total.open} client connections, as many as it takes`;
      return new BerthError(
        'BERTH_TOO_MANY_CLIENTS',
        `${what} (agentPorts.maxTotalConnections ${maxTotalConnections})`,
      );
    }
    if (open >= maxConnections) {
      log.warn({ agentId, maxConnections }, 'client connections are refused: agentPorts.maxConnections is reached');
      const what = `the port of agent ${agentId} has ${open} client connections, as many as it takes`;
      return new BerthError('BERTH_TOO_MANY_CLIENTS', `${what} (agentPorts.maxConnections)`);
    }
    if (ofAddress >= maxConnectionsPerAddress) {
      log.warn(
        { agentId, address, maxConnectionsPerAddress },
        'connections of one address are refused: agentPorts.maxConnectionsPerAddress is reached',
      );
      const what = `${address} has ${ofAddress} connections to the port of agent ${agentId}, as many as one address may have`;
      return new BerthError('BERTH_CLIENT_LIMIT', `${what} (agentPorts.maxConnectionsPerAddress)`);
    }
    return undefined;
  }
}
