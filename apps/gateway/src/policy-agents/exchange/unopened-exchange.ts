import type { Carrier, OpenedExchange, OpenHead } from '@berth/exchange';

/** Stands for an exchange whose body has to be seen before it is opened: its client sends, and nothing goes anywhere. */
export class UnopenedExchange implements OpenedExchange {
  readonly pipe = false;
  readonly sendEnded = false;
  readonly openedAt = performance.now();
  readonly pendingBytes = 0;
  readonly headReceived = false;
  readonly informationalCount = 0;
  closed = false;

  /** @param connection gives it its name in logs, with the id */
  constructor(
    readonly openHead: OpenHead,
    readonly connection: Carrier,
    readonly id: number,
  ) {}

  sendData(): boolean {
    return true;
  }

  sendEnd(): void {
    // Whoever holds the body has it.
  }

  reset(): void {
    this.closed = true;
  }

  consumed(): void {
    // Nothing came.
  }

  discard(): void {
    this.closed = true;
  }
}
