import { BerthError } from '@berth/errors';

/** Why a question was not answered, and how {@link unavailable} says it. */
const TEXTS = {
  away: (name) => `No connections available for agent ${name} (policy agent)`,
  unfit: (name) => `No healthy connections for agent ${name} (policy agent)`,
  drained: (name) => `policy agent ${name} is drained by an operator (POST /policy-agents/${name}/undrain ends it)`,
  paused: (name) => `policy agent ${name} has asked for a pause`,
  full: (name) =>
    `policy agent ${name} has as many questions as it takes (maxInFlightPerConnection, or its own limits)`,
  breaker: (name) => `policy agent ${name} failed too often and is not asked for a while (breaker)`,
  timeout: (name) => `policy agent ${name} did not answer in time (timeoutMs)`,
  lost: (name) => `the connection to policy agent ${name} ended before it answered`,
  invalid: (name) => `policy agent ${name} gave an answer that cannot be followed`,
  tooLarge: (name) => `policy agent ${name} cannot be shown so much at once`,
  unseen: (name) => `policy agent ${name} cannot be shown it`,
  duplicate: (name) => `two exchanges at policy agent ${name} have one correlation id`,
  closed: (name) => `policy agent ${name} is being closed`,
} as const satisfies Record<string, (name: string) => string>;

export type Reason = keyof typeof TEXTS;

export const REASONS = Object.keys(TEXTS) as readonly Reason[];

/** `BERTH_POLICY_UNAVAILABLE`, for an exchange that does not pass without its agent. @param detail for people */
export function unavailable(name: string, reason: Reason, detail = ''): BerthError {
  return new BerthError('BERTH_POLICY_UNAVAILABLE', TEXTS[reason](name) + (detail && `: ${detail}`));
}
