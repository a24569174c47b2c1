import { BerthError } from '@berth/errors';
import type { AgentHost, AgentServer } from '@berth/policy-agents';
import type { PolicyTls } from './options.js';
import type { Place } from './places.js';

/** How an agent is reached, and reaches gateways. */
export interface Transports {
  listen(place: Place, host: AgentHost, tls: PolicyTls | undefined): Promise<AgentServer>;
  /** @returns the connection, after the host's `linked` */
  dial(place: Place, host: AgentHost, options: DialOptions): Promise<{ readonly ended: Promise<void> }>;
}

export interface DialOptions {
  readonly token: string | undefined;
  readonly tls: PolicyTls | undefined;
  readonly signal: AbortSignal;
}

const missing = (): never => {
  throw new BerthError('BERTH_SERVER_START_FAILED', 'not there yet');
};

export const networkTransports: Transports = { listen: missing, dial: missing };
