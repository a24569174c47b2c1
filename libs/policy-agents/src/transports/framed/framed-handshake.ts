import { BerthError } from '@berth/errors';
import { type AgentCapabilities, PROTOCOL_VERSION, type ProxyHello } from '../../capabilities.js';
import { writeCapabilities } from '../../wire/capabilities.js';
import { type Fields, optionalText, texts } from '../../wire/fields.js';
import { type HandshakeRequest, readReply, readRequest } from '../../wire/handshake.js';
import type { Dialect, Encoding } from '../../wire/shapes/dialect.js';

/** What is offered, the best first. */
export const ENCODINGS: readonly Encoding[] = ['msgpack', 'json'];

/** Stands in each first frame of Berth's; others pass over it. */
const BERTH = { berth: 1 };

/** @param encodings offered, the best first */
export function helloFields(hello: ProxyHello, encodings: readonly Encoding[]): Fields {
  return {
    supported_versions: [PROTOCOL_VERSION],
    proxy_id: hello.proxyId,
    proxy_version: hello.proxyVersion,
    config: hello.configJson === undefined ? null : (JSON.parse(hello.configJson) as unknown),
    supported_encodings: encodings,
    ...BERTH,
  };
}

/** @throws Error when it is no such message */
export function readHello(from: Fields): HandshakeRequest {
  return readRequest(from, JSON.stringify(from['config'] ?? null));
}

/** The first encoding that both know: the original knows JSON at least, and so do we. */
export function chosenDialect(from: Fields): Dialect {
  const encoding = texts(from, 'supported_encodings').find((one): one is Encoding =>
    ENCODINGS.includes(one as Encoding),
  );
  return { encoding: encoding ?? 'json', isBerth: isBerth(from) };
}

function isBerth(from: Fields): boolean {
  return from['berth'] === BERTH.berth;
}

/** @param outcome what the agent is, or why it refuses */
export function replyFields(outcome: AgentCapabilities | string, dialect: Dialect): Fields {
  const refused = typeof outcome === 'string';
  return {
    protocol_version: refused ? 0 : PROTOCOL_VERSION,
    capabilities: capabilityFields(refused ? NOBODY : outcome),
    success: !refused,
    error: refused ? outcome : null,
    encoding: dialect.encoding,
    ...BERTH,
  };
}

/** @throws BerthError when the agent refuses, or what it says makes no sense */
export function readHandshakeReply(
  from: Fields,
  offered: readonly Encoding[],
): { readonly capabilities: AgentCapabilities; readonly dialect: Dialect } {
  const { outcome } = readReply(from);
  if (outcome instanceof BerthError) throw outcome;
  return { capabilities: outcome, dialect: agreedDialect(from, offered) };
}

/**
 * What the side that was offered encodings has taken.
 *
 * @throws BerthError `BERTH_PROTOCOL_ERROR`
 */
export function agreedDialect(from: Fields, offered: readonly Encoding[]): Dialect {
  const said = optionalText(from, 'encoding') ?? 'json';
  const encoding = [...offered, 'json' as const].find((one) => one === said);
  if (encoding === undefined) {
    throw new BerthError('BERTH_PROTOCOL_ERROR', `encoding ${JSON.stringify(said.slice(0, 40))} was not offered`);
  }
  return { encoding, isBerth: isBerth(from) };
}

/** Proxies of the original know the event `configure` by 0 where agents of the original write 8: both are said. */
export function capabilityFields(of: AgentCapabilities): Fields {
  const fields = writeCapabilities(of);
  const events = fields['supported_events'] as number[];
  return of.supportedEvents.has('configure') ? { ...fields, supported_events: [...events, 0] } : fields;
}

const NOBODY: AgentCapabilities = {
  protocolVersion: 0,
  agentId: '',
  name: '',
  version: '',
  supportedEvents: new Set(),
  features: {
    streamingBody: false,
    webSocket: false,
    guardrails: false,
    configPush: false,
    metricsExport: false,
    concurrentRequests: 0,
    cancellation: false,
    flowControl: false,
    healthReporting: false,
  },
  limits: { maxBodySize: 0, maxConcurrency: 0, preferredChunkSize: 0 },
};
