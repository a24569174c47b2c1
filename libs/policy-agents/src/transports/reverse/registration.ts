import type { AgentCapabilities, ProxyHello } from '../../capabilities.js';
import { PROTOCOL_VERSION } from '../../capabilities.js';
import { readCapabilities } from '../../wire/capabilities.js';
import { count, type Fields, flag, inner, optionalText, text } from '../../wire/fields.js';
import type { Dialect } from '../../wire/shapes/dialect.js';
import { capabilityFields, ENCODINGS } from '../framed/framed-handshake.js';

/** What an agent says of itself when it dials. */
export interface Registration {
  readonly protocolVersion: number;
  readonly agentId: string;
  /** under the same id */
  readonly capabilities: AgentCapabilities;
  /** a secret */
  readonly token: string | undefined;
  /** anything that JSON has */
  readonly metadata: unknown;
}

/** @throws Error when it is no such message */
export function readRegistration(from: Fields): Registration {
  const agentId = text(from, 'agent_id');
  return {
    protocolVersion: count(from, 'protocol_version'),
    agentId,
    capabilities: { ...readCapabilities(inner(from, 'capabilities') ?? {}), agentId },
    token: optionalText(from, 'auth_token'),
    metadata: from['metadata'] ?? undefined,
  };
}

/** @param of protocol version included, as the capabilities have it */
export function registrationFields(of: Omit<Registration, 'protocolVersion'>): Fields {
  return {
    protocol_version: PROTOCOL_VERSION,
    agent_id: of.agentId,
    capabilities: capabilityFields(of.capabilities),
    auth_token: of.token ?? null,
    metadata: of.metadata ?? null,
    supported_encodings: ENCODINGS,
    berth: 1,
  };
}

/** What a proxy answers. */
export interface RegistrationReply {
  /** undefined: the agent is taken in */
  readonly error: string | undefined;
  readonly hello: ProxyHello;
  readonly connectionId: string;
}

/** @throws Error when it is no such message */
export function readRegistrationReply(from: Fields): RegistrationReply {
  return {
    error: flag(from, 'success') ? undefined : (optionalText(from, 'error') ?? 'no reason was given'),
    hello: { proxyId: text(from, 'proxy_id'), proxyVersion: text(from, 'proxy_version') },
    connectionId: text(from, 'connection_id'),
  };
}

/** @param dialect undefined for a refusal */
export function registrationReplyFields(of: RegistrationReply, dialect?: Dialect): Fields {
  return {
    success: of.error === undefined,
    error: of.error ?? null,
    proxy_id: of.hello.proxyId,
    proxy_version: of.hello.proxyVersion,
    connection_id: of.connectionId,
    encoding: dialect?.encoding,
    berth: 1,
  };
}
