import createClient, { type Client } from 'openapi-fetch';
import type { components, operations, paths } from './admin-api.js';

export type AdminClient = Client<paths>;
export type Agent = components['schemas']['AgentDto'];
type Refused = components['schemas']['ErrorDto'] | components['schemas']['ProblemDto'];
type AgentQuery = NonNullable<operations['listAgents']['parameters']['query']>;

/** An answer of the admin API that is an error. */
export class AdminError extends Error {
  /** stable code, `BERTH_…` */
  readonly code: string;
  /** finds the request in the gateway's log */
  readonly requestId: string;

  constructor(refused: Refused) {
    const { code, request_id: requestId } = 'error' in refused ? refused.error : refused;
    super(`${code}: ${'error' in refused ? refused.error.message : refused.detail}`);
    this.code = code;
    this.requestId = requestId;
  }
}

/**
 * A typed client of a gateway's admin API.
 *
 * @param baseUrl for example `http://127.0.0.1:8080`
 * @param token `admin.token`, where the gateway has one
 */
export function adminClient(baseUrl: string, token?: string): AdminClient {
  return createClient<paths>({ baseUrl, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
}

/**
 * Agents that match, asked for page by page.
 *
 * @throws AdminError
 */
export async function* agents(client: AdminClient, query: AgentQuery = {}): AsyncGenerator<Agent> {
  let page: AgentQuery = { sort: 'agent_id', limit: 500, ...query };
  for (;;) {
    const { data, error } = await client.GET('/agents', { params: { query: page } });
    if (error !== undefined) throw new AdminError(error);
    yield* data.agents;
    if (data.next_cursor === undefined) return;
    page = { ...page, cursor: data.next_cursor };
  }
}

/**
 * Keeps new requests away from an agent.
 *
 * @returns how many are still under way
 * @throws AdminError
 */
export async function drain(client: AdminClient, agentId: string): Promise<number> {
  const { data, error } = await client.POST('/agents/{agent_id}/drain', { params: { path: { agent_id: agentId } } });
  if (error !== undefined) throw new AdminError(error);
  return data.in_flight;
}
