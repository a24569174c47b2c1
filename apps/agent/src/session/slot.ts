import type { AgentSettings } from '../agent-settings.js';
import { Backoff } from './backoff.js';
import type { Link } from './link.js';

/** One of the connections that an agent keeps up. */
export interface Slot {
  link: Link | undefined;
  /** serves until `link`, its successor, stands */
  before: Link | undefined;
  /** gateways (`host:port`) that come next in this attempt, if `link` does not get to stand */
  untried: string[];
  readonly backoff: Backoff;
  retryTimer: NodeJS.Timeout | undefined;
}

export function newSlot(settings: AgentSettings): Slot {
  return {
    link: undefined,
    before: undefined,
    untried: [],
    backoff: new Backoff(settings.reconnect),
    retryTimer: undefined,
  };
}
