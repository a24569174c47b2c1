import { connect } from 'node:net';

export interface ListedAgent {
  agent_id: string;
  port: number;
  connections: number;
  last_seen: string;
  in_flight: number;
}

export interface PortsAnswer {
  total: number;
  used: number;
  free: number;
  static_used: number;
  foreign: number;
  foreign_ports: { port: number; found_at: string }[];
  leases: { port: number; agent_id: string; service: string; static: boolean; pinned: boolean }[];
  remembered: { port: number; agent_id: string; service: string; pinned: boolean }[];
}

interface WithAdmin {
  admin: string;
}

/** `GET /agents` */
export async function listAgents({ admin }: WithAdmin): Promise<ListedAgent[]> {
  const { agents, count } = (await (await fetch(`${admin}/agents`)).json()) as {
    agents: ListedAgent[];
    count: number;
  };
  expect(count).toBe(agents.length);
  return agents;
}

/** Ids in `GET /agents`, sorted. */
export async function agentIds(gateway: WithAdmin): Promise<string[]> {
  return (await listAgents(gateway)).map((agent) => agent.agent_id).sort();
}

export interface ListedReplica {
  replica_id: string;
  state: string;
  state_reason: string;
  state_since: string;
  connections: number;
  in_flight: number;
  drained: boolean;
}

/** Of `GET /agents/:id`: the processes that serve it. */
export async function replicasOf({ admin }: WithAdmin, agentId: string): Promise<ListedReplica[]> {
  const answer = await fetch(`${admin}/agents/${agentId}`);
  return ((await answer.json()) as { replica_list: ListedReplica[] }).replica_list;
}

/** `GET /ports` */
export async function portsOf({ admin }: WithAdmin): Promise<PortsAnswer> {
  return (await (await fetch(`${admin}/ports`)).json()) as PortsAnswer;
}

/** Value of a metric, or the sum over its series; NaN when there is none. */
export async function metric({ admin }: WithAdmin, name: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const lines = text.split('\n').filter((it) => it.startsWith(`${name} `) || it.startsWith(`${name}{`));
  if (lines.length === 0) return Number.NaN;
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Whether something accepts TCP connections there. */
export async function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
