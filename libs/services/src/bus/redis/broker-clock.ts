/** The same moment by the clock of this host, ms since 1970, and by the steady one, which nobody sets. */
export interface Moment {
  readonly clock: number;
  readonly steady: number;
}

/**
 * What the broker's clock shows, from what it said and when it was asked. That is known up to the time that the
 * question and its answer took. An estimate that a later answer allows stays: one that took long, such as from a
 * broker that stood still, says little.
 */
export class BrokerClock {
  /** ms to add to our clock for the broker's */
  offsetMs = 0;
  /** ms to add to the steady clock for the broker's; too many by what the fastest question took to get there */
  #steadyOffsetMs = 0;

  measured(brokerNow: number, sent: Moment, received: Moment): void {
    const [least, most] = [brokerNow - received.clock, brokerNow - sent.clock];
    if (this.offsetMs < least || this.offsetMs > most) this.offsetMs = Math.round((least + most) / 2);
    // The broker's clock is told in whole ms.
    const latest = brokerNow + 1 - sent.steady;
    if (this.#steadyOffsetMs < brokerNow - received.steady || this.#steadyOffsetMs > latest)
      this.#steadyOffsetMs = latest;
  }

  /** Not before the broker's clock: how long something was on its way since is never told as too long. */
  at(steady: number): number {
    return Math.ceil(this.#steadyOffsetMs + steady);
  }
}
