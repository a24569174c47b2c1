import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type FlatHeaders, withoutHeaders } from '@berth/http-rules';

/** Header that names the subject of a client's certificate to the local service. */
const CLIENT_SUBJECT_HEADER = 'X-Client-Cert-Subject';

const LOWER = CLIENT_SUBJECT_HEADER.toLowerCase();

const known = new WeakMap<Duplex, string>();

/**
 * Subject of the client's certificate as RFC 4514 writes it, in ASCII; empty: it showed none.
 *
 * @param socket of a connection whose certificate has been checked
 */
function clientSubject(socket: Duplex): string {
  let subject = known.get(socket);
  if (subject === undefined) {
    subject = socket instanceof TLSSocket && socket.authorized ? describe(socket) : '';
    known.set(socket, subject);
  }
  return subject;
}

/** Whether a client showed a certificate that the CA has not signed; only where it was not demanded can one be there. */
export function isForeignCertificate(socket: Duplex): boolean {
  return socket instanceof TLSSocket && !socket.authorized && socket.getPeerX509Certificate() !== undefined;
}

/** A request's headers with the subject as we know it, and without what the client wrote in its place. */
export function withClientSubject(headers: FlatHeaders, socket: Duplex): FlatHeaders {
  const kept = withoutSubject(headers);
  const subject = clientSubject(socket);
  if (subject !== '') kept.push(CLIENT_SUBJECT_HEADER, subject);
  return kept;
}

/**
 * A flat list without the header, also written with `_`, which many services read as `-`. Trailers
 * are to go through it whatever the settings: one that authenticates must not be one (RFC 9110 section 6.5.1).
 */
export function withoutSubject(headers: FlatHeaders): FlatHeaders {
  return withoutHeaders(
    headers,
    (name) => name.length === LOWER.length && name.toLowerCase().replaceAll('_', '-') === LOWER,
  );
}

/** The last attribute first, as RFC 4514 has it. */
function describe(socket: TLSSocket): string {
  const subject = (socket.getPeerCertificate() as { subject?: object }).subject ?? {};
  return Object.entries(subject)
    .flatMap(([type, value]: [string, unknown]) => [value].flat().map((one) => `${type}=${escaped(String(one))}`))
    .reverse()
    .join(',');
}

function escaped(value: string): string {
  return value
    .replace(/^[ #]|[,+"\\<>;=]| $/g, '\\$&')
    .replace(/[^\x20-\x7e]/gu, (character) =>
      [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
    );
}
