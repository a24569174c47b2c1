import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;
const TIMEOUT_MS = 20_000;

interface AgentList {
  readonly agents: readonly { readonly agent_id: string; readonly port: number }[];
}

/** Waits until `check` has a result; a service that does not answer yet counts as none. */
async function poll<T>(what: string, signal: AbortSignal, check: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + TIMEOUT_MS;
  while (performance.now() < end) {
    const result = await check().catch(() => undefined);
    if (result !== undefined) return result;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error(`${what} not ready after ${TIMEOUT_MS / 1000} s`);
}

/** @throws Error when something listens at that port of this machine, or it cannot be listened on */
export async function requireFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is taken: end what listens there, such as another gateway' : 'cannot be used';
    throw new Error(`Port ${port} ${why} (${code}).`, { cause });
  }
  server.close();
  await once(server, 'close');
}

/** Waits until the gateway says that it takes traffic. */
export async function gatewayReady(admin: string, signal: AbortSignal): Promise<void> {
  await poll('gateway', signal, async () => (await fetch(`${admin}/health/ready`, { signal })).ok || undefined);
}

/** Waits until the agent is connected. @returns the port it got */
export async function agentPort(admin: string, agentId: string, signal: AbortSignal): Promise<number> {
  return await poll(`agent ${agentId}`, signal, async () => {
    const { agents } = (await (await fetch(`${admin}/agents`, { signal })).json()) as AgentList;
    return agents.find((agent) => agent.agent_id === agentId)?.port;
  });
}
