import {
  ByteQueue,
  type DispatchSink,
  type ExchangeFailure,
  type FlatHeaders,
  LastingExchange,
  type ResetCode,
} from '@berth/exchange';
import type { PortRule } from './port-rule.js';
import { type Flow, Shaper } from './shaper.js';

/** How fast bytes of bodies and pipes pass, both ways, of all exchanges of the port together. */
export const bandwidth: PortRule = {
  reads: ['bandwidth'],
  tcp: true,
  make({ bandwidth: { fromClients, toClients } }) {
    if (fromClients === 0 && toClients === 0) return undefined;
    const down = toClients === 0 ? undefined : new Shaper(toClients);
    const up = fromClients === 0 ? undefined : new Shaper(fromClients);
    return (next) => (request, sink) => {
      next(request, new ShapedExchange(sink, down, up));
    };
  },
};

/** Bytes that wait for their turn. */
class Lane implements Flow {
  private readonly queue = new ByteQueue();
  private current: Buffer | undefined;
  /** whoever takes them has no room */
  blocked = false;
  bytes = 0;

  /**
   * @param send @returns whether there is room for more
   * @param emptied all that waited has passed
   */
  constructor(
    readonly shaper: Shaper,
    private readonly send: (bytes: Buffer) => boolean,
    private readonly emptied: () => void,
  ) {}

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.queue.push(bytes);
    this.bytes += bytes.length;
    this.wake();
  }

  wake(): void {
    if (this.bytes > 0 && !this.blocked) this.shaper.add(this);
  }

  clear(): void {
    this.queue.clear();
    this.current = undefined;
    this.bytes = 0;
    this.shaper.remove(this);
  }

  pass(most: number): number {
    if (this.blocked) return 0;
    const bytes = this.current ?? this.queue.shift();
    if (bytes === undefined) return 0;
    const part = bytes.length <= most ? bytes : bytes.subarray(0, most);
    this.current = part === bytes ? undefined : bytes.subarray(most);
    this.bytes -= part.length;
    this.blocked = !this.send(part);
    if (this.bytes === 0) this.emptied();
    return part.length;
  }
}

/**
 * What waits towards the client is bounded by the credit of the exchange, since
 * only what the client has taken is given back; what waits towards the agent by
 * the producer, who is told to stop with the first byte that has to wait.
 */
class ShapedExchange extends LastingExchange {
  private readonly down: Lane | undefined;
  private readonly up: Lane | undefined;
  private heldEnd: { trailers: FlatHeaders | undefined } | undefined;
  /** the producer was told to stop */
  private stalled = false;
  private heldSendEnd: { trailers: FlatHeaders | undefined } | undefined;

  constructor(sink: DispatchSink, down: Shaper | undefined, up: Shaper | undefined) {
    super(sink);
    this.down = down && new Lane(down, this.passDown, this.downEmptied);
    this.up = up && new Lane(up, this.passUp, this.upEmptied);
  }

  override data(bytes: Buffer): void {
    if (this.down === undefined) this.sink.data(bytes);
    else this.down.push(bytes);
  }

  override end(trailers: FlatHeaders | undefined): void {
    if (this.down === undefined || this.down.bytes === 0) {
      super.end(trailers);
      return;
    }
    this.heldEnd = { trailers };
    // An answer of Berth's own: of a client that leaves it nothing else would be heard.
    if (!this.hasOpened) this.sink.waiting(this);
  }

  override failed(failure: ExchangeFailure): void {
    this.drop();
    super.failed(failure);
  }

  override sendData(bytes: Buffer): boolean {
    if (this.up === undefined) return this.next.sendData(bytes);
    this.up.push(bytes);
    this.stalled = this.up.bytes > 0 || this.up.blocked;
    return !this.stalled;
  }

  override sendEnd(trailers?: FlatHeaders): void {
    if (this.up === undefined || this.up.bytes === 0) this.next.sendEnd(trailers);
    else this.heldSendEnd = { trailers };
  }

  override writable(): void {
    const { up } = this;
    if (up === undefined) {
      this.sink.writable();
      return;
    }
    up.blocked = false;
    if (up.bytes > 0) up.wake();
    else this.resume();
  }

  override reset(code: ResetCode, message?: string): void {
    this.drop();
    this.next.reset(code, message);
  }

  override get pendingBytes(): number {
    return this.next.pendingBytes + (this.up?.bytes ?? 0);
  }

  /** What a client of a pipe sent last still goes on its way. */
  protected override over(): void {
    this.heldEnd = undefined;
    this.down?.clear();
  }

  private readonly passDown = (bytes: Buffer): boolean => {
    this.sink.data(bytes);
    return true;
  };

  private readonly downEmptied = (): void => {
    const { heldEnd: end } = this;
    this.heldEnd = undefined;
    if (end !== undefined) super.end(end.trailers);
  };

  private readonly passUp = (bytes: Buffer): boolean => {
    const hasRoom = this.next.sendData(bytes);
    // What waits here is on its way: whoever watches for a standstill has to see that.
    if (this.stalled) this.sink.progressed?.();
    return hasRoom;
  };

  private readonly upEmptied = (): void => {
    const { heldSendEnd: end, up } = this;
    this.heldSendEnd = undefined;
    if (end !== undefined) this.next.sendEnd(end.trailers);
    else if (up?.blocked === false) this.resume();
  };

  /** Has the producer go on, where it was told to stop. */
  private resume(): void {
    if (!this.stalled) return;
    this.stalled = false;
    this.sink.writable();
  }

  private drop(): void {
    this.heldEnd = undefined;
    this.heldSendEnd = undefined;
    this.stalled = false;
    this.down?.clear();
    this.up?.clear();
  }
}
