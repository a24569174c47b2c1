import type { StatusObject } from '@grpc/grpc-js';
import type { AgentSettings } from '../agent-settings.js';
import { BerthError, isErrorCode } from '@berth/errors';
import { ERROR_CODE_METADATA, FINAL_STATUSES, type Refused } from '@berth/tunnel-protocol';
import type { NameOf } from './link.js';

/** What is known of a dial that failed, or of a connection that ended. */
export interface Dial {
  /** as it was given, `host:port` */
  gateway: AgentSettings['gateway'];
  tls: Pick<AgentSettings['tls'], 'enabled' | 'certFile'>;
  nameOf: NameOf;
}

type Sentence = (dial: Dial, found: RegExpExecArray) => string;

/**
 * What grpc-js, Node and OpenSSL say (grpc-js 1.14, Node 24), and what people are
 * told instead: the first that fits. Codes are looked for where there are some.
 */
const CAUSES: readonly (readonly [RegExp, Sentence])[] = [
  [
    /Name resolution failed|ENOTFOUND|EAI_AGAIN/,
    ({ gateway, nameOf }) =>
      `the name in ${gateway} was not found: check ${nameOf('gateway')}, and the DNS of this machine`,
  ],
  [
    /ECONNREFUSED/,
    ({ gateway, nameOf }) =>
      `nothing listens at ${gateway}: is the gateway running, and is ${nameOf('gateway')} its gRPC port?`,
  ],
  [
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN/,
    ({ gateway }) => `${gateway} cannot be reached from here: check the address, the network and firewalls`,
  ],
  [
    /ALTNAME_INVALID|certificate's altnames/,
    ({ gateway, nameOf }) =>
      `the certificate of ${gateway} is for another name: dial the name it is for, or give that as ${nameOf('tls.serverName')}`,
  ],
  [
    /certificate (has expired|is not yet valid)/,
    ({ gateway }) => `the certificate of ${gateway} is out of date, or the clock of this machine is wrong`,
  ],
  [
    /self.signed certificate|unable to (verify|get)/,
    ({ gateway, nameOf }) =>
      `the certificate of ${gateway} is not trusted: give the CA that issued it with ${nameOf('tls.caFile')}`,
  ],
  // RFC 8446 section 6.2: bad, unsupported, revoked, expired and unknown certificate, unknown CA, required.
  [
    /SSL alert number (42|43|44|45|46|48|116)\b/,
    ({ gateway, nameOf, tls }) =>
      tls.certFile === ''
        ? `${gateway} asks for a client certificate: give one with ${nameOf('tls.certFile')} and ${nameOf('tls.keyFile')}`
        : `${gateway} does not accept the client certificate ${tls.certFile}: does its grpc.tls.caFile hold the issuer, and is it in date?`,
  ],
  [
    /wrong version number|packet length too long/,
    ({ gateway, nameOf }) =>
      `what listens at ${gateway} speaks no TLS: is the port right? If so, go without TLS (${nameOf('tls.enabled')})`,
  ],
  [
    /SSL routines/,
    ({ gateway }) => `no TLS version or cipher suits both ends, this agent and ${gateway}: one of them is too old`,
  ],
  [
    /HTTP status code (\d+)/,
    ({ gateway }, [, code]) =>
      `${gateway} answered with HTTP status ${code ?? ''} and not as a gateway does: is it the gRPC port, or is there a proxy in between?`,
  ],
  [
    /Protocol error|without gRPC status/,
    ({ gateway, nameOf }) => `what listens at ${gateway} is not the gRPC port of a gateway: check ${nameOf('gateway')}`,
  ],
  [
    /does not implement|unknown service/,
    ({ gateway, nameOf }) =>
      `what listens at ${gateway} is not the gRPC port of a gateway, or speaks another protocol: check ${nameOf('gateway')} and ${nameOf('protocol')}`,
  ],
  [
    /Failed to connect|disconnected before secure|Socket closed|closed before starting/,
    ({ gateway, nameOf, tls }) => {
      const closed = `${gateway} closed the connection before anything was said`;
      if (!tls.enabled)
        return `${closed}: if it speaks TLS, switch that on (${nameOf('tls.enabled')}, ${nameOf('tls.caFile')})`;
      if (tls.certFile === '') return `${closed}: is it the gRPC port?`;
      return `${closed}: is it the gRPC port, and does it trust the issuer of ${tls.certFile} (its grpc.tls.caFile)?`;
    },
  ],
  [
    /Connection dropped|ECONNRESET|EPIPE|Keepalive/,
    ({ gateway }) => `the connection to ${gateway} broke: the gateway has ended, or the network between`,
  ],
];

/**
 * Why a call ended, in a sentence for people: what the gateway said itself, or
 * what to do about what gRPC came to.
 */
export function whyItEnded(status: Pick<StatusObject, 'code' | 'details' | 'metadata'>, dial: Dial): string {
  if (status.metadata.get(ERROR_CODE_METADATA).length > 0) return status.details;
  if (status.code === 0) return 'the gateway ended the connection';
  for (const [pattern, sentence] of CAUSES) {
    const found = pattern.exec(status.details);
    if (found !== null) return sentence(dial, found);
  }
  return `the connection to ${dial.gateway} failed (gRPC status ${status.code}; more at log level debug)`;
}

/** What to do about a refusal, where the gateway cannot say it: it does not know what this agent's settings are called. */
const ADVICE: ReadonlyMap<string, (nameOf: NameOf) => string> = new Map([
  ['BERTH_UNAUTHENTICATED', (nameOf: NameOf) => ` (${nameOf('token')})`],
  ['BERTH_AGENT_EXISTS', (nameOf: NameOf) => `: give this one another ${nameOf('id')}`],
]);

/** Why the gateway does not take the agent, and what to do. */
export function refusalOf({ code, message }: Pick<Refused, 'code' | 'message'>, nameOf: NameOf): BerthError {
  const advice = ADVICE.get(code)?.(nameOf) ?? '';
  return new BerthError(isErrorCode(code) ? code : 'BERTH_INTERNAL', message + advice);
}

/** What a call that has ended comes to. */
export interface CallEnd {
  reason: BerthError;
  /** the gateway's own word that the same attempt would fail again */
  isFinal: boolean;
}

/** @param stuck why there is no way to the gateway, where a proxy is in between */
export function endOfCall(status: StatusObject, dial: Dial, stuck: string | undefined): CallEnd {
  // Whoever answers without this trailer is no gateway: a proxy's error page is mapped to a status as well.
  const code = String(status.metadata.get(ERROR_CODE_METADATA)[0] ?? '');
  const text = stuck ?? whyItEnded(status, dial);
  const reason = new BerthError(isErrorCode(code) ? code : 'BERTH_CONNECTION_CLOSED', text);
  return { reason, isFinal: code !== '' && FINAL_STATUSES.has(status.code) };
}
