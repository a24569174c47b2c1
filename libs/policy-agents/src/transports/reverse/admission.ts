import { createHash, timingSafeEqual } from 'node:crypto';
import { BerthError } from '@berth/errors';
import { AGENT_ID_RULE, IdPatterns, isAgentId } from '@berth/exchange';
import { PROTOCOL_VERSION } from '../../capabilities.js';
import type { Registration } from './registration.js';

/** Which agents may register. */
export interface AdmissionRules {
  /** ids, exact or with `*`, and the token of each; undefined: {@link sharedToken} */
  readonly agents: Iterable<readonly [pattern: string, token: string | undefined]>;
  /** of agents without a token of their own; undefined: they need none */
  readonly sharedToken?: string | undefined;
  /** of one agent, 1 or more */
  readonly maxConnections: number;
  /** how many an agent has now */
  connections(agentId: string): number;
}

/**
 * Judges registrations.
 *
 * @returns undefined when the agent may be taken in, else why not. Of an id and its token the reason does not say
 *   which was wrong, so that ids cannot be found out; the error's cause does, for a log.
 */
export function admission(rules: AdmissionRules): (registration: Registration) => BerthError | undefined {
  const expected = new IdPatterns(
    Array.from(rules.agents, ([pattern, token]) => [pattern, { hash: hashOf(token ?? rules.sharedToken) }] as const),
  );
  return ({ protocolVersion, agentId, token }) => {
    if (protocolVersion !== PROTOCOL_VERSION) {
      const version = `version ${protocolVersion} of the protocol`;
      return new BerthError('BERTH_VERSION_UNSUPPORTED', `${version} is not spoken here; ${PROTOCOL_VERSION} is`);
    }
    if (!isAgentId(agentId)) return new BerthError('BERTH_INVALID_AGENT_ID', `agent_id must be ${AGENT_ID_RULE}`);
    const agent = expected.find(agentId);
    const fits = agent?.hash === undefined || timingSafeEqual(agent.hash, hashOf(token ?? ''));
    if (agent === undefined || !fits) {
      const cause = new Error(agent ? 'its token is not the right one' : 'no agent of that id is expected');
      return new BerthError('BERTH_UNAUTHENTICATED', 'this agent_id with this auth_token is not admitted', { cause });
    }
    if (rules.connections(agentId) >= rules.maxConnections) {
      return new BerthError('BERTH_TOO_MANY_CONNECTIONS', `it has ${rules.maxConnections} connections already`);
    }
    return undefined;
  };
}

function hashOf(token: string): Buffer;
function hashOf(token: string | undefined): Buffer | undefined;
function hashOf(token: string | undefined): Buffer | undefined {
  return token === undefined ? undefined : createHash('sha256').update(token).digest();
}
