import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { messageOf } from '@berth/errors';
import { ServerError } from '../errors.js';
import type { ServerInfo } from './function-server.js';

/** TLS of a function server: PEM files, read at each start. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** clients must show a certificate that this CA signed; absent: they need none */
  readonly clientCaFile?: string | undefined;
}

export function tlsMode(tls: ServerTls | undefined): ServerInfo['mode'] {
  if (tls === undefined) return 'plaintext';
  return tls.clientCaFile === undefined ? 'tls' : 'mutual-tls';
}

/** @throws ServerError `BERTH_FUNCTION_SERVER_FAILED` naming the setting of a file that cannot be read or used */
export async function serverCredentials(tls: ServerTls | undefined): Promise<ServerCredentials> {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const [cert, key, ca] = await Promise.all([
    readPem(tls.certFile, 'tls.certFile'),
    readPem(tls.keyFile, 'tls.keyFile'),
    tls.clientCaFile === undefined ? null : readPem(tls.clientCaFile, 'tls.clientCaFile'),
  ]);
  usable(() => createSecureContext({ cert }), 'tls.certFile', tls.certFile, 'no certificate');
  usable(() => createSecureContext({ key }), 'tls.keyFile', tls.keyFile, 'no private key');
  usable(() => createSecureContext({ cert, key }), 'tls.keyFile', tls.keyFile, `not the key of ${tls.certFile}`);
  // OpenSSL takes a file without a certificate for a CA that signed nothing.
  if (ca !== null && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw failed(`tls.clientCaFile: ${tls.clientCaFile ?? ''} is no certificate`);
  if (ca !== null)
    usable(() => createSecureContext({ ca }), 'tls.clientCaFile', tls.clientCaFile ?? '', 'no certificate');
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null);
}

async function readPem(file: string, setting: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (thrown) {
    throw failed(`${setting}: cannot read ${file}: ${messageOf(thrown)}`, thrown);
  }
}

function usable(use: () => unknown, setting: string, file: string, what: string): void {
  try {
    use();
  } catch (thrown) {
    throw failed(`${setting}: ${file} is ${what}: ${messageOf(thrown)}`, thrown);
  }
}

function failed(message: string, cause?: unknown): ServerError {
  return new ServerError('BERTH_FUNCTION_SERVER_FAILED', message, {}, { cause });
}
