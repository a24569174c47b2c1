import type { TlsOptions } from 'node:tls';
import { readPemFiles } from '@berth/node-runtime';
import { ServerError } from '../errors.js';

/** TLS of a function server: PEM files, read at each start. */
export interface ServerTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** clients must show a certificate that this CA signed; absent: they need none */
  readonly clientCaFile?: string | undefined;
}

const NAMES = { caFile: 'tls.clientCaFile', certFile: 'tls.certFile', keyFile: 'tls.keyFile' };

/** @throws ServerError `BERTH_FUNCTION_SERVER_FAILED` naming the setting of a file that cannot be read or used */
export function tlsOptions({ certFile, keyFile, clientCaFile }: ServerTls): TlsOptions {
  const { ca, cert, key } = readPemFiles({ caFile: clientCaFile ?? '', certFile, keyFile }, NAMES, failed);
  if (cert === null || key === null) throw failed('tls.certFile and tls.keyFile must name files');
  if (clientCaFile === '') throw failed('tls.clientCaFile must name a file');
  const options = { cert, key, ALPNProtocols: ['h2'] };
  return ca === null ? options : { ...options, ca, requestCert: true };
}

function failed(message: string, cause?: unknown): ServerError {
  return new ServerError('BERTH_FUNCTION_SERVER_FAILED', message, {}, { cause });
}
