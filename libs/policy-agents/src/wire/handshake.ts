import { BerthError } from '@berth/errors';
import { type AgentCapabilities, PROTOCOL_VERSION, type ProxyHello } from '../capabilities.js';
import { readCapabilities } from './capabilities.js';
import { count, type Fields, flag, inner, list, optionalText, text } from './fields.js';

/** Characters of a reason that another program gave. */
const MAX_REASON = 200;

/** What a proxy says first. */
export interface HandshakeRequest {
  readonly kind: 'handshake';
  readonly versions: readonly unknown[];
  readonly hello: ProxyHello;
}

/** @param configJson JSON text, '' for none */
export function readRequest(from: Fields, configJson: string): HandshakeRequest {
  return {
    kind: 'handshake',
    versions: list(from, 'supported_versions'),
    hello: {
      proxyId: text(from, 'proxy_id'),
      proxyVersion: text(from, 'proxy_version'),
      configJson: configJson === '' || configJson === 'null' ? undefined : configJson,
    },
  };
}

/** What an agent answers to a handshake; a refusal is an error. */
export interface HandshakeReply {
  readonly kind: 'handshake';
  readonly outcome: AgentCapabilities | BerthError;
}

export function readReply(from: Fields): HandshakeReply {
  return { kind: 'handshake', outcome: outcomeOf(from) };
}

function outcomeOf(from: Fields): AgentCapabilities | BerthError {
  if (!flag(from, 'success')) {
    const reason = (optionalText(from, 'error') ?? '').slice(0, MAX_REASON);
    return new BerthError('BERTH_POLICY_UNAVAILABLE', `it refused the handshake: ${JSON.stringify(reason)}`);
  }
  const version = count(from, 'protocol_version');
  if (version !== PROTOCOL_VERSION) {
    return new BerthError(
      'BERTH_VERSION_UNSUPPORTED',
      `it speaks version ${version} of the protocol, and version ${PROTOCOL_VERSION} is asked for`,
    );
  }
  return readCapabilities(inner(from, 'capabilities') ?? {});
}

/**
 * Why a proxy cannot be served; undefined when it can.
 */
export function versionFault({ versions }: HandshakeRequest): string | undefined {
  if (versions.includes(PROTOCOL_VERSION)) return undefined;
  return `version ${PROTOCOL_VERSION} of the protocol is needed`;
}
