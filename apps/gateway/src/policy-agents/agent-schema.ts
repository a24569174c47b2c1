import { type Frozen, mergePatch, PartSchema } from '@berth/config';
import { BerthError, messageOf } from '@berth/errors';
import { AGENT_ID_RULE, isAgentId } from '@berth/exchange';
import { addressOf, REVERSE } from './agent-checks.js';
import { PolicyAgentConfig } from './agent-config.js';

/** All that is said of one policy agent. */
export type AgentSettings = Frozen<PolicyAgentConfig>;

/** What somebody says of one; checked when it is put together. */
export type AgentPart = Readonly<Record<string, unknown>>;

const SCHEMA = new PartSchema<PolicyAgentConfig>({
  name: 'policy agent',
  defaults: () => new PolicyAgentConfig(),
  prepare: (draft) => {
    draft.readSecret('token', 'tokenFile');
  },
});

/** Every setting of an agent with its path, description, range and default. */
export const POLICY_AGENT_SETTINGS = SCHEMA.rules;

/** What stands for secrets where settings are shown. */
export const HIDDEN = '***';

/**
 * The settings of an agent.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` with a line for everything that is wrong
 */
export function agentOf(part: unknown): AgentSettings {
  const whole = SCHEMA.complete(part);
  const wrong = together(whole);
  if (wrong !== undefined) throw new BerthError('BERTH_CONFIG_INVALID', wrong);
  return whole;
}

/** A part with a change in it: what the change gives as null is taken out of it (RFC 7396). */
export function patched(part: AgentPart, change: AgentPart): AgentPart {
  return mergePatch(part, change) as AgentPart;
}

/** Ids with which it may register, exact or patterns; none where the gateway dials. */
export function expectedIds(name: string, { address, ids }: AgentSettings): readonly string[] {
  if (address !== REVERSE) return [];
  return ids.length === 0 ? [name] : ids;
}

/** Two agents that expect one id: who of them would get a connection is nothing to leave open. */
export function idTaken(id: string, by: string): string {
  return `ids: ${id} is expected of policy agent ${by} as well; give each ids of its own`;
}

/** What is wrong with a map of names to parts, as one line. */
export function checkAgents(map: Readonly<Record<string, unknown>>): string | undefined {
  const owners = new Map<string, string>();
  for (const [name, part] of Object.entries(map)) {
    if (!isAgentId(name)) return `"${name.slice(0, 100)}": the name must be ${AGENT_ID_RULE}`;
    if (typeof part !== 'object' || part === null || Array.isArray(part))
      return `"${name}" must be a group of settings`;
    try {
      for (const id of expectedIds(name, agentOf(part))) {
        const owner = owners.get(id);
        if (owner !== undefined && owner !== name) return `"${name}": ${idTaken(id, owner)}`;
        owners.set(id, name);
      }
    } catch (thrown) {
      if (BerthError.from(thrown).code !== 'BERTH_CONFIG_INVALID') throw thrown;
      return `"${name}": ${messageOf(thrown).replaceAll('\n', '; ')}`;
    }
  }
  return undefined;
}

function together({ address, ids, tls, token, unary }: AgentSettings): string | undefined {
  const place = addressOf(address);
  if (place === undefined)
    return 'address: is needed: grpc://host:port, grpcs://host:port, unix:/run/agent.sock, or reverse for an agent that dials';
  if (place.kind !== 'reverse' && token !== '') return 'token: is for agents that dial (address reverse)';
  if (place.kind !== 'reverse' && ids.length > 0) return 'ids: are for agents that dial (address reverse)';
  const usesTls = Object.values(tls).some((value) => value !== '');
  if (usesTls && !(place.kind === 'grpc' && place.secure)) return 'tls: is for addresses that begin with grpcs://';
  if ((tls.certFile === '') !== (tls.keyFile === '')) return 'tls: certFile and keyFile go together';
  if (unary && place.kind !== 'grpc') return 'unary: is for addresses of gRPC';
  // It would be taken for the secret itself.
  if (token === HIDDEN) return `token: ${HIDDEN} stands for what is not shown: leave it out, or give the token`;
  return undefined;
}
