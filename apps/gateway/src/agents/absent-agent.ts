import { isAgentId } from '@berth/exchange';
import type { Json } from '@berth/state';
import type { ServiceKinds } from '../lifecycle/index.js';

/** What is known of an agent while it is here, and kept for when it is not. */
export interface PresentAgent {
  readonly agentId: string;
  /** ms since the epoch */
  readonly connectedAt: number;
  /** of its first local service, and the scheme of its address */
  readonly port: number;
  readonly scheme: string;
  /** none of those that came to a Berth that did not write them yet */
  readonly services: ServiceKinds;
  readonly remoteAddress: string;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An agent that was here and is not. */
export interface AbsentAgent extends PresentAgent {
  /** when its last message came in, ms since the epoch */
  readonly lastSeen: number;
  /** ms since the epoch */
  readonly leftAt: number;
  /** an error code, `closed`, or {@link GATEWAY_ENDED}, {@link GATEWAY_CRASHED} */
  readonly reason: string;
}

/** Reasons of a gateway that found agents in its records which had not left. */
export const GATEWAY_ENDED = 'gateway_ended';
export const GATEWAY_CRASHED = 'gateway_crashed';

const WORDS: Readonly<Record<string, string>> = {
  closed: 'it ended its connection',
  [GATEWAY_ENDED]: 'the gateway ended, and it has not come back since',
  [GATEWAY_CRASHED]: 'the gateway ended without a shutdown, and it has not come back since',
  BERTH_CONNECTION_SILENT: 'nothing was heard from it for too long',
  BERTH_CONNECTION_DISCONNECTED: 'an operator disconnected it',
  BERTH_CONNECTION_REPLACED: 'another process took its id, and has left since',
  BERTH_CONNECTION_CLOSED: 'its connection broke',
  BERTH_PROTOCOL_ERROR: 'it broke the rules of the protocol',
  BERTH_SERVER_START_FAILED: 'the server of its port failed',
  BERTH_DRAINING: 'the gateway was shutting down',
};

/** Why it is not here, for people. */
export function whyAbsent({ reason }: Pick<AbsentAgent, 'reason'>): string {
  return WORDS[reason] ?? `its connection ended with ${reason}`;
}

export function valueOf({ agentId: _, ...agent }: PresentAgent | AbsentAgent): Json {
  return { ...agent };
}

/** @returns undefined for what cannot be understood */
export function agentOf(agentId: string, value: Json): PresentAgent | AbsentAgent | undefined {
  if (!isAgentId(agentId) || typeof value !== 'object' || value === null) return undefined;
  const { connectedAt, port, scheme, services = {}, ...more } = value as Readonly<Record<string, unknown>>;
  const { remoteAddress, version, metadata, ...left } = more;
  const { lastSeen, leftAt, reason } = left;
  if (!isTime(connectedAt) || typeof port !== 'number' || typeof scheme !== 'string') return undefined;
  if (typeof remoteAddress !== 'string' || typeof version !== 'string' || !isTexts(metadata)) return undefined;
  if (!isKinds(services)) return undefined;
  const agent = { agentId, connectedAt, port, scheme, services, remoteAddress, version, metadata };
  if (leftAt === undefined) return agent;
  if (!isTime(lastSeen) || !isTime(leftAt) || typeof reason !== 'string') return undefined;
  return { ...agent, lastSeen, leftAt, reason };
}

/** Whole ms that a date can be made of (ECMA-262, section 21.4.1.1). */
export function isTime(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(Number(value)) <= 8.64e15;
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

function isKinds(value: unknown): value is ServiceKinds {
  return (
    isObject(value) &&
    Object.values(value).every(
      (its) => isObject(its) && typeof its['kind'] === 'string' && typeof its['scheme'] === 'string',
    )
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
