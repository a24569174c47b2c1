import { BerthError } from '@berth/errors';
import { DEFAULT_SERVICE } from './service-name.js';

interface Owner {
  readonly agentId: string;
  readonly service: string;
}

export function exhausted(ports: { ranges: readonly unknown[]; toString(): string }, foreign: number): BerthError {
  const others = foreign === 0 ? '' : ` (${foreign} of them held by other programs, see GET /ports)`;
  const range = ports.ranges.length === 1 ? 'range' : 'ranges';
  return new BerthError('BERTH_PORTS_EXHAUSTED', `no available ports in ${range} ${String(ports)}${others}`);
}

export function ownTaken(port: number, what: 'static' | 'pinned', agentId: string): BerthError {
  const where = what === 'static' ? ' (agentPorts.static)' : '';
  return new BerthError('BERTH_PORTS_EXHAUSTED', `${what} port ${port} of agent ${agentId} is taken${where}`);
}

export function hasStatic(agentId: string, port: number): BerthError {
  return new BerthError('BERTH_PORT_STATIC', `agent ${agentId} has the static port ${port} (agentPorts.static)`);
}

export function isStatic(port: number, owner: string): BerthError {
  return new BerthError('BERTH_PORT_STATIC', `port ${port} is the static port of agent ${owner} (agentPorts.static)`);
}

export function outOfRange(port: number, known: { toString(): string }): BerthError {
  return new BerthError(
    'BERTH_PORT_OUT_OF_RANGE',
    `port ${port} is in none of the ranges: ${String(known)} (http.agentPortRange, agentPorts.ranges, rangesByAgent, requestable)`,
  );
}

export function notRequestable(port: number, agentId: string): BerthError {
  return new BerthError(
    'BERTH_PORT_NOT_REQUESTABLE',
    `agent ${agentId} may not ask for port ${port} (agentPorts.requestable)`,
  );
}

export function taken(port: number, how: 'in use by' | 'pinned to' | 'kept for', owner: Owner): BerthError {
  return new BerthError('BERTH_PORT_TAKEN', `port ${port} is ${how} ${nameOf(owner)}`);
}

export function heldByOthers(port: number): BerthError {
  return new BerthError('BERTH_PORT_TAKEN', `port ${port} is held by another program`);
}

export function hasNone(agentId: string, service: string): BerthError {
  return new BerthError('BERTH_NOT_FOUND', `${nameOf({ agentId, service })} has no port`);
}

function nameOf({ agentId, service }: Owner): string {
  return service === DEFAULT_SERVICE ? `agent ${agentId}` : `service ${service} of agent ${agentId}`;
}
