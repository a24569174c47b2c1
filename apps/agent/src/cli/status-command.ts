import type { Asked } from '@berth/config';
import { standardOutput } from '@berth/node-runtime';
import type { AgentStatus, ServiceStatus } from '../status/agent-status.js';
import { askAgents } from '../status/ask-status.js';
import type { StatusPlace } from '../status/status-folder.js';
import { STATUS } from './command-line.js';

const MIB = 1_048_576;

/** `berth-agent status [id] [--json]`. @returns exit code */
export async function statusCommand({ word: id, switches }: Asked, place: StatusPlace = {}): Promise<number> {
  const { agents, notes } = await askAgents(place);
  const shown = agents.filter((agent) => id === '' || agent.id === id);
  for (const note of notes) standardOutput(2).write(`${note}\n`);
  if (switches.has('--json')) standardOutput(1).write(`${JSON.stringify(shown, undefined, 2)}\n`);
  else for (const agent of shown) standardOutput(1).write(describe(agent, Date.now()));
  if (shown.length > 0) return shown.every(({ connected }) => connected) ? STATUS.connected : STATUS.notConnected;
  const others = [...new Set(agents.map((agent) => agent.id))].join(', ');
  const what = others === '' ? 'no agent of this user runs here' : `no agent with that id runs here, but ${others}`;
  standardOutput(2).write(`${what}\n`);
  return STATUS.none;
}

/** @param now ms since 1970 */
function describe(agent: AgentStatus, now: number): string {
  const { reason, next_attempt_at: next, services } = agent;
  const state = `${agent.connected ? 'connected' : 'not connected'} to ${agent.gateway} for ${lasted(agent.since, now)}`;
  const why = reason === null ? '' : `: ${reason.message} (${reason.code})`;
  const wait = next === null ? 0 : Math.max(0, Date.parse(next) - now);
  const again = next === null ? '' : `; next attempt in ${(wait / 1000).toFixed(1)} s`;
  const memory = `${Math.round(agent.resident_memory_bytes / MIB)} MiB`;
  return `${agent.id} (pid ${agent.pid}, Berth ${agent.version}) is ${state}${why}${again}
${services.map((service) => `  ${describeService(service)}\n`).join('')}  ${agent.exchanges} ${agent.exchanges === 1 ? 'exchange' : 'exchanges'} since the start, ${agent.failed} failed, ${agent.in_flight} under way; memory ${memory}
`;
}

function describeService({ name, target, url, answering, message }: ServiceStatus): string {
  const where = url === '' ? 'no port' : url;
  const how = answering === null ? 'not looked at' : answering ? 'answers' : `does not answer: ${message}`;
  return `${where} -> ${target} (${name}): ${how}`;
}

/** The two largest units: `2 h 5 min`. */
function lasted(since: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(since)) / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(' ');
}
