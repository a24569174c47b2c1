/** Fruitless connections of one address that nobody minds. */
const FREE = 32;

/** How many of them are forgotten in a second. */
const FORGOTTEN_PER_SECOND = 3;

/** What is remembered of an address at most: whoever stops is forgiven in some 10 s. */
const MOST = 2 * FREE;

/** Addresses that are remembered; beyond it the one that came first is forgotten. */
const MAX_ADDRESSES = 4096;

/** How long a connection of an address that had its part waits before a byte of it is looked at, ms. */
const WAIT_MS = 1000;

interface Memory {
  level: number;
  at: number;
}

/**
 * Who comes again and again without showing an agent has to wait: each HTTP/2
 * session costs memory that V8 gives back late, whatever is refused on it.
 * Connections of the same address wait alike, an agent's too, because who is
 * who shows only afterwards; a second is all that it costs an agent.
 */
export class Patience {
  private readonly memories = new Map<string, Memory>();

  /** @param now monotonic, ms */
  constructor(private readonly now: () => number) {}

  /** A connection ended and had shown no agent. @param address see `addressGroup` */
  fruitless(address: string): void {
    const level = Math.min(MOST, this.levelOf(address) + 1);
    this.memories.delete(address);
    this.memories.set(address, { level, at: this.now() });
    if (this.memories.size <= MAX_ADDRESSES) return;
    const [first] = this.memories.keys();
    if (first !== undefined) this.memories.delete(first);
  }

  /** How long a new connection of this address has to wait, ms; 0: not at all. */
  waitMs(address: string): number {
    return this.levelOf(address) > FREE ? WAIT_MS : 0;
  }

  private levelOf(address: string): number {
    const memory = this.memories.get(address);
    if (memory === undefined) return 0;
    return Math.max(0, memory.level - ((this.now() - memory.at) / 1000) * FORGOTTEN_PER_SECOND);
  }
}
