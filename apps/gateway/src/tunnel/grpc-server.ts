import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Http2Server } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { readPemFiles } from '@berth/config';
import { BerthError } from '@berth/errors';

/*
 * What grpc-js has no public option for, in one place: its HTTP/2 server, which
 * it makes itself and shows to nobody, and client certificates that are asked
 * for without being required.
 */
interface ServerInternals {
  createHttp2Server?(credentials: ServerCredentials): Http2Server;
}
interface CredentialsInternals {
  _getConstructorOptions?(): object;
}

/**
 * A gRPC server whose HTTP/2 servers are shown before they listen.
 *
 * @param onHttp2Server called for each address that it listens on
 * @throws Error when this version of grpc-js is built differently
 */
export function createGrpcServer(
  options: Record<string, string | number>,
  onHttp2Server: (server: Http2Server) => void,
): Server {
  const server = new Server(options);
  const internals = server as unknown as ServerInternals;
  const original = internals.createHttp2Server?.bind(server);
  if (original === undefined)
    throw new Error('@grpc/grpc-js has no createHttp2Server: check grpc-server.ts against its new version');
  internals.createHttp2Server = (credentials) => {
    const http2 = original(credentials);
    onHttp2Server(http2);
    return http2;
  };
  return server;
}

/** TLS of the gRPC port (checklist A15). */
export interface GrpcTls {
  enabled: boolean;
  certFile: string;
  keyFile: string;
  caFile: string;
  clientCert: 'none' | 'request' | 'require';
}

/**
 * Credentials for the gRPC port.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` naming the setting of a file that cannot be read or used
 */
export function grpcCredentials(tls: GrpcTls): ServerCredentials {
  if (!tls.enabled) return ServerCredentials.createInsecure();
  const names = { caFile: 'grpc.tls.caFile', certFile: 'grpc.tls.certFile', keyFile: 'grpc.tls.keyFile' };
  const { ca, cert, key } = readPemFiles(tls, names);
  if (cert === null || key === null)
    throw new BerthError('BERTH_CONFIG_INVALID', 'grpc.tls needs certFile and keyFile when it is enabled');
  const credentials = ServerCredentials.createSsl(
    ca,
    [{ cert_chain: cert, private_key: key }],
    tls.clientCert !== 'none',
  );
  if (tls.clientCert === 'request') acceptWithoutCertificate(credentials);
  return credentials;
}

/** The certificate of the gRPC port, and where it is from. */
export interface GrpcCertificate {
  readonly file: string;
  readonly leaf: X509Certificate;
}

/** What {@link grpcCredentials} has found to be usable; undefined without TLS. */
export function grpcCertificate({ certFile: file, enabled }: GrpcTls): GrpcCertificate | undefined {
  return enabled ? { file, leaf: new X509Certificate(readFileSync(file)) } : undefined;
}

/** grpc-js knows "no client certificate" and "required"; "asked for" is an option of Node underneath. */
function acceptWithoutCertificate(credentials: ServerCredentials): void {
  const internals = credentials as unknown as CredentialsInternals;
  const original = internals._getConstructorOptions?.bind(credentials);
  if (original === undefined)
    throw new Error('@grpc/grpc-js credentials changed: check grpc-server.ts (grpc.tls.clientCert: request)');
  internals._getConstructorOptions = () => ({ ...original(), rejectUnauthorized: false });
}
