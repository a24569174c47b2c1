import { BerthError } from '@berth/errors';
import type { Case } from './case.js';
import type { Member } from './member.js';

/**
 * What a client is told of a body that a policy agent has to see and cannot.
 *
 * @param why undefined: it is larger than that agent may be shown
 */
export function tooMuch(
  it: Case,
  kind: 'requestBody' | 'responseBody',
  member: Member,
  why: string | undefined,
): BerthError {
  const who = `policy agent ${member.conversation.agentName} has to see it whole`;
  if (why !== undefined) return new BerthError('BERTH_POLICY_UNAVAILABLE', `${why}, and ${who}`);
  const most = it.mostHeldFor(member);
  const what = `is larger than ${most} bytes, and ${who} (inspect.maxHeldBytes, or the limit of that agent)`;
  return kind === 'requestBody'
    ? new BerthError('BERTH_BODY_TOO_LARGE', `the request body ${what}`)
    : new BerthError('BERTH_POLICY_UNAVAILABLE', `the response ${what}`);
}
