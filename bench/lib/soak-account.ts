/** What the clients of one port saw in a soak. */
export interface SoakAccount {
  /** exchanges and WebSocket messages that were answered whole and right */
  right: number;
  /** bytes of their bodies, both ways */
  bytes: number;
  /** what came as if it were whole, and was not what was sent; the first few in words */
  wrong: number;
  wrongWords: string[];
  /** no answer and no break for a minute */
  stuck: number;
  /** broken, or answered by Berth with an error: by what it was */
  broken: Record<string, number>;
  /** numbers of the POSTs that were answered */
  posts: string[];
}

/** What the service behind the agents saw. */
export interface SoakLedger {
  /** number of a POST → how often it began */
  posts: Record<string, number>;
  /** POSTs whose body came to its end and was not what its head announced */
  wrongBodies: number;
}

/** POSTs that ran more than once, and answered ones that never ran. */
export function postBalance(
  accounts: readonly SoakAccount[],
  { posts }: SoakLedger,
): { doubled: number; answeredAndNotRun: number } {
  return {
    doubled: Object.values(posts).filter((times) => times > 1).length,
    answeredAndNotRun: accounts.flatMap((account) => account.posts).filter((post) => posts[post] === undefined).length,
  };
}
