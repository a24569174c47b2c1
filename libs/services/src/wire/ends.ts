import { MAX_MS } from '../numbers.js';

// What the two ends of a gRPC connection have in common.

export const CONNECTION_LIMITS = {
  /** one request or reply, bytes: 1024..2^30, default 4 MiB */
  maxMessageBytes: { default: 4 * 1024 * 1024, least: 1024, most: 2 ** 30 },
  /** a connection (of a client: with calls) that brings nothing is asked after it whether it is alive, ms: 1000..2^31-1, default 30 s */
  keepaliveTimeMs: { default: 30_000, least: 1000, most: MAX_MS },
  /** and has this long to answer, ms: 100..2^31-1, default 10 s */
  keepaliveTimeoutMs: { default: 10_000, least: 100, most: MAX_MS },
};
