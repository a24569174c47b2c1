import { Injectable } from '@nestjs/common';
import { BerthError } from '@berth/errors';
import type { LocalService } from '../agents/index.js';

/** The kind of port for an agent that names none. */
export const DEFAULT_PORT_KIND = 'http';

/** What a port server is made for. */
export interface PortOrder {
  readonly service: LocalService;
  /** leased for it */
  readonly port: number;
}

/** Address that the port of a service listens on: that of all agents' ports, unless it is for the gateway's loopback alone. */
export function hostFor({ loopback }: Pick<LocalService, 'loopback'>, { host }: { readonly host: string }): string {
  return loopback ? '127.0.0.1' : host;
}

/** What listens on a leased port, of whatever kind. */
export interface PortServer {
  /** of its address as clients write it: `http`, `https` or `tcp` */
  readonly scheme: string;
  readonly running: boolean;
  /** ms since the epoch; undefined when it does not run */
  readonly startedAt: number | undefined;
  /** it ended without `stop`, and is being brought back; `onLost` is told if it cannot be */
  readonly reviving?: boolean;
  /** has it see for itself whether it ended: a listener with open connections ends without an event */
  checkListening?(): void;
  /** told when it ends without `stop`, and nobody brings it back */
  onLost: ((error: Error | undefined) => void) | undefined;
  /**
   * Resolves when it listens.
   *
   * @throws BerthError `BERTH_SERVER_START_FAILED` with the system's error as its cause: `EADDRINUSE`
   *   says that another program holds the port
   */
  start(): Promise<void>;
  /**
   * Closes the port at once, and resolves when nothing is left of it.
   *
   * @param graceMs for what is under way, ms
   */
  stop(graceMs: number): Promise<void>;
}

/** Makes the port servers of one kind. */
export interface PortServerBuilder {
  /** what agents ask for: lower-case letters and digits */
  readonly kind: string;
  /** @returns a server that does not listen yet */
  build(order: PortOrder): PortServer;
}

/** The kinds of ports that there are. A builder adds itself when its module starts (docs/decisions/0020-port-kinds.md). */
@Injectable()
export class PortKinds {
  private readonly builders = new Map<string, PortServerBuilder>();

  /** @throws Error when there is a builder for that kind already */
  add(builder: PortServerBuilder): void {
    if (this.builders.has(builder.kind)) throw new Error(`two builders for ports of kind "${builder.kind}"`);
    this.builders.set(builder.kind, builder);
  }

  /**
   * @param kind as an agent sent it
   * @throws BerthError `BERTH_PORT_KIND_UNSUPPORTED` naming the kinds that there are
   */
  builderOf(kind: string): PortServerBuilder {
    const builder = this.builders.get(kind);
    if (builder !== undefined) return builder;
    throw new BerthError(
      'BERTH_PORT_KIND_UNSUPPORTED',
      `this gateway has no ports of kind "${kind.slice(0, MAX_ECHO_CHARS)}", it has: ${[...this.builders.keys()].sort().join(', ')}`,
    );
  }
}

/** Of a kind that nobody knows, in the refusal. */
const MAX_ECHO_CHARS = 32;
