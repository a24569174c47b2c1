import type { ServiceOffer } from './local-service.js';
import type { PoolCareOptions } from './pool-care.js';
import type { RegistrationLimitOptions } from './registration-limits.js';
import type { ConnectionLimits } from './registry-entry.js';
import type { SuccessionOptions } from './succession.js';

export interface RegistryOptions
  extends SuccessionOptions, ConnectionLimits, PoolCareOptions, RegistrationLimitOptions {
  /** time of a whole handshake, ms */
  handshakeTimeoutMs: number;
  /** for exchanges under way when an operator disconnects an agent, ms */
  drainTimeoutMs: number;
}

/** What an agent says of itself when it registers. */
export interface Registration {
  readonly metadata: Readonly<Record<string, string>>;
  /** at least one, no name twice */
  readonly services: readonly ServiceOffer[];
}

/** What the registry goes by of the ports. */
export interface HoldOptions {
  /** how long a port keeps listening while its agent is away, ms; 0: not at all */
  holdMs: number;
}
