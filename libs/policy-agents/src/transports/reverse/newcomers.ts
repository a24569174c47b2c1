import type { Socket } from 'node:net';

export interface NewcomerLimits {
  /** connections that have not registered, all together */
  readonly maxPending: number;
  /** and from one address; a unix socket has none */
  readonly maxPendingPerAddress: number;
}

/** Counts connections until they have registered, so that strangers cannot keep many of them. */
export class Newcomers {
  private pending = 0;
  private readonly byAddress = new Map<string, number>();

  constructor(private readonly limits: NewcomerLimits) {}

  /** @returns what ends the count of a connection, or undefined when it is one too many */
  enter(socket: Socket): (() => void) | undefined {
    const address = socket.remoteAddress ?? '';
    const already = this.byAddress.get(address) ?? 0;
    const isOneTooMany = address !== '' && already >= this.limits.maxPendingPerAddress;
    if (this.pending >= this.limits.maxPending || isOneTooMany) return undefined;
    this.pending += 1;
    this.byAddress.set(address, already + 1);
    let isCounted = true;
    const leave = (): void => {
      if (!isCounted) return;
      isCounted = false;
      this.pending -= 1;
      const left = (this.byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.byAddress.delete(address);
      else this.byAddress.set(address, left);
    };
    socket.once('close', leave);
    return leave;
  }
}
