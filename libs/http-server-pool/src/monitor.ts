import type { PooledServer, ServerState } from './pooled-server.js';
import { probeServer } from './probe.js';

/** How a server is, asked now and not remembered (checklist D10). */
export interface ServerReport {
  /** {@link monitorName} */
  monitor: string;
  name: string;
  /** its key in the pool */
  bind: string;
  expose: string;
  scheme: string;
  state: ServerState;
  /** it runs, has no last error and answers; a disabled one is healthy while it does not run */
  healthy: boolean;
  /** why it is not healthy, or could not be asked */
  reason?: string;
  /** ms since the epoch */
  startedAt?: number;
  uptimeMs: number;
  /** open now */
  connections: number;
  requests: number;
  restarts: number;
  lastError?: string;
  /** how long its answer took */
  probeMs?: number;
}

/** The name of a server's monitor. */
export function monitorName({ key, scheme }: PooledServer): string {
  return `${scheme === 'tcp' ? 'TCP' : 'HTTP'} Server [${key}]`;
}

/** @param probeTimeoutMs above 0 */
export async function reportOn(server: PooledServer, probeTimeoutMs?: number): Promise<ServerReport> {
  const probe = server.running ? await probeServer(server, probeTimeoutMs) : undefined;
  const { name, key, expose, scheme, state, startedAt, uptimeMs, connections, requests, restarts, lastError } = server;
  const isUp = state === 'running' && lastError === undefined && probe?.outcome !== 'failed';
  const healthy = isUp || state === 'disabled';
  const reason = probe?.reason ?? lastError?.message ?? (healthy ? undefined : `it is ${state}`);
  return {
    monitor: monitorName(server),
    name,
    bind: key,
    expose,
    scheme,
    state,
    healthy,
    ...(reason === undefined ? {} : { reason }),
    ...(startedAt === undefined ? {} : { startedAt }),
    uptimeMs,
    connections,
    requests,
    restarts,
    ...(lastError === undefined ? {} : { lastError: lastError.message }),
    ...(probe === undefined ? {} : { probeMs: probe.tookMs }),
  };
}
