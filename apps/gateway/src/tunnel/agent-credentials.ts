import { createHash, timingSafeEqual } from 'node:crypto';
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import { BerthError } from '@berth/errors';
import { AGENT_ID_RULE, isAgentId } from '@berth/exchange';

/**
 * Checklist A10.
 *
 * @throws BerthError `BERTH_INVALID_AGENT_ID`
 */
export function checkAgentId(agentId: string): void {
  if (!isAgentId(agentId)) {
    throw new BerthError(
      'BERTH_INVALID_AGENT_ID',
      `agent id ${JSON.stringify(agentId.slice(0, 80))} is none: it must be ${AGENT_ID_RULE}`,
    );
  }
}

/**
 * Compares an agent's token with the configured one, in constant time.
 *
 * @param expected empty: no token is asked for
 * @throws BerthError `BERTH_UNAUTHENTICATED`
 */
export function checkToken(expected: string, given: string): void {
  if (expected === '') return;
  if (!sameSecret(expected, given)) {
    throw new BerthError(
      'BERTH_UNAUTHENTICATED',
      given === '' ? 'this gateway asks for a token' : "the token is not the gateway's",
    );
  }
}

/** Compares two secrets in constant time. */
export function sameSecret(expected: string, given: string): boolean {
  // Digests are of one length, so that the comparison tells nothing about the secret's.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(expected), digest(given));
}

/**
 * The client certificate must name the agent: its CN, or a DNS or URI name of its SAN (checklist A15).
 *
 * @param certificate undefined: none was shown, or it was not trusted
 * @throws BerthError `BERTH_CERTIFICATE_MISMATCH`
 */
export function checkCertificate(
  certificate: PeerCertificate | DetailedPeerCertificate | undefined,
  agentId: string,
): void {
  if (certificate === undefined) return;
  const commonName: unknown = certificate.subject.CN;
  const names: unknown[] = [commonName, ...alternativeNames(certificate.subjectaltname)].flat();
  if (!names.includes(agentId)) {
    throw new BerthError(
      'BERTH_CERTIFICATE_MISMATCH',
      `neither CN nor SAN of the client certificate is agent id ${agentId}`,
    );
  }
}

function alternativeNames(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text
    .split(', ')
    .filter((name) => name.startsWith('DNS:') || name.startsWith('URI:'))
    .map((name) => name.slice(4));
}
