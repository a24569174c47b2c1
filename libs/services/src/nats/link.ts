import { messageOf } from '@berth/errors';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection, Status } from '@nats-io/transport-node';
import type { Verdict, Way } from '../objects/operations.js';

/** JetStream's code where a write of a cluster is not through, this one or another, so that a revision cannot be told. */
export const IN_FLIGHT = 10164;
/** For a stream that is not there; most questions for one are answered by nobody. */
export const NO_STREAM = 10059;
/** For no more memory, disk or bytes of the bucket. */
const NO_ROOM: readonly number[] = [10023, 10047, 10077];

/** Nobody there has what was asked for at the moment: nothing was done. */
export class Away extends Error {}

/** Whether a connection carries, as its owner is told. */
export class Link implements Way {
  state: 'up' | 'down' = 'up';
  /** why not */
  reason: string | undefined;
  /** called when it goes down: what was asked is not answered any more */
  readonly breaks = new Set<() => void>();
  /** called when it is up again, perhaps with a server that knows nothing */
  readonly returns = new Set<() => void>();

  private readonly statuses: AsyncIterable<Status>;

  constructor(
    readonly connection: NatsConnection,
    private readonly changed: (state: 'up' | 'down') => void = () => undefined,
  ) {
    this.statuses = connection.status();
    void this.watch();
  }

  get isUp(): boolean {
    return this.state === 'up';
  }

  get isOpen(): boolean {
    return !this.connection.isClosed();
  }

  verdict(thrown: unknown): Verdict {
    if (!(thrown instanceof JetStreamApiError))
      return { why: messageOf(thrown), answered: thrown instanceof Away, final: false };
    const { status, code, message } = thrown;
    const why = `refused by NATS: ${message} (${code})`;
    return { why, answered: true, final: (status < 500 && code !== IN_FLIGHT) || NO_ROOM.includes(code) };
  }

  /** Of one message: `max_payload` of the server, and NATS' own default until it has said so. */
  get maxBytes(): number {
    return this.connection.info?.max_payload ?? 1024 * 1024;
  }

  /** Nobody is told anything any more; the connection stays as it is. */
  close(): void {
    this.breaks.clear();
    this.returns.clear();
    // It can be stopped, and its type does not say so; until then the connection keeps it.
    (this.statuses as { stop?: () => void }).stop?.();
  }

  private async watch(): Promise<void> {
    for await (const status of this.statuses) {
      // One that is lost again before it was there has said why.
      if (status.type === 'disconnect')
        this.set('down', this.isUp ? `no connection to ${addressOf(status.server)}` : this.reason);
      else if (status.type === 'error') this.reason = messageOf(status.error);
      else if (status.type === 'reconnect') this.set('up', undefined);
    }
    this.set('down', 'the connection is closed');
  }

  private set(state: 'up' | 'down', reason: string | undefined): void {
    this.reason = reason;
    if (this.state === state) return;
    this.state = state;
    this.changed(state);
    for (const then of [...(state === 'down' ? this.breaks : this.returns)]) then();
  }
}

/** Without user and password. */
function addressOf(server: string): string {
  return server.slice(server.lastIndexOf('@') + 1);
}
