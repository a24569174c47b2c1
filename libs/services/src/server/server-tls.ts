import { createSecureContext, type TlsOptions } from 'node:tls';
import { messageOf } from '@berth/errors';
import { ServerError } from '../errors.js';
import { readPem } from '../wire/ends.js';

/** TLS of a function server: PEM files, read at each start. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** clients must show a certificate that this CA signed; absent: they need none */
  readonly clientCaFile?: string | undefined;
}

/** @throws ServerError `BERTH_FUNCTION_SERVER_FAILED` naming the setting of a file that cannot be read or used */
export function tlsOptions({ certFile, keyFile, clientCaFile }: ServerTls): TlsOptions {
  const cert = readPem('tls.certFile', certFile, failed);
  const key = readPem('tls.keyFile', keyFile, failed);
  check(`tls.certFile: ${certFile} is no certificate`, { cert });
  check(`tls.keyFile: ${keyFile} is no private key`, { key });
  check(`tls.keyFile: ${keyFile} is not the key of ${certFile}`, { cert, key });
  const options = { cert, key, ALPNProtocols: ['h2'] };
  if (clientCaFile === undefined) return options;
  const ca = readPem('tls.clientCaFile', clientCaFile, failed);
  const problem = `tls.clientCaFile: ${clientCaFile} is no certificate`;
  // OpenSSL takes a file without a certificate for a CA that signed nothing.
  if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw failed(problem);
  check(problem, { ca });
  return { ...options, ca, requestCert: true };
}

function check(problem: string, files: TlsOptions): void {
  try {
    createSecureContext(files);
  } catch (thrown) {
    throw failed(`${problem}: ${messageOf(thrown)}`, thrown);
  }
}

function failed(message: string, cause?: unknown): ServerError {
  return new ServerError('BERTH_FUNCTION_SERVER_FAILED', message, {}, { cause });
}
