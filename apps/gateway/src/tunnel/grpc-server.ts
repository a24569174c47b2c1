import { readFileSync } from 'node:fs';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';

/**
 * What grpc-js has no public option for, in one place.
 *
 * Its servers advertise the HTTP/2 default window of 64 KiB. At 100 ms round
 * trip that holds an agent's upload to 0.3 MB/s, and it costs two thirds of the
 * throughput even on loopback. Tunnel frames carry their own credit per
 * exchange, so these windows only have to be out of the way.
 */
const STREAM_WINDOW_BYTES = 8 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 16 * 1024 * 1024;

interface ServerInternals {
  createHttp2Server?(credentials: ServerCredentials): Http2Server;
}
interface CredentialsInternals {
  _getConstructorOptions?(): object;
}

/**
 * A gRPC server whose HTTP/2 windows do not throttle tunnels.
 *
 * @throws Error when this version of grpc-js is built differently
 */
export function createGrpcServer(options: Record<string, string | number>): Server {
  const server = new Server(options);
  const internals = server as unknown as ServerInternals;
  const original = internals.createHttp2Server?.bind(server);
  if (original === undefined) throw new Error('@grpc/grpc-js has no createHttp2Server: check grpc-server.ts against its new version');
  internals.createHttp2Server = (credentials) => {
    const http2 = original(credentials);
    http2.updateSettings({ initialWindowSize: STREAM_WINDOW_BYTES });
    http2.on('session', (session: ServerHttp2Session) => {
      session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    });
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
 * @throws Error when a file cannot be read
 */
export function grpcCredentials(tls: GrpcTls): ServerCredentials {
  if (!tls.enabled) return ServerCredentials.createInsecure();
  const ca = tls.caFile === '' ? null : readFileSync(tls.caFile);
  const pair = { cert_chain: readFileSync(tls.certFile), private_key: readFileSync(tls.keyFile) };
  const credentials = ServerCredentials.createSsl(ca, [pair], tls.clientCert !== 'none');
  if (tls.clientCert === 'request') acceptWithoutCertificate(credentials);
  return credentials;
}

/** grpc-js knows "no client certificate" and "required"; "asked for" is an option of Node underneath. */
function acceptWithoutCertificate(credentials: ServerCredentials): void {
  const internals = credentials as unknown as CredentialsInternals;
  const original = internals._getConstructorOptions?.bind(credentials);
  if (original === undefined) throw new Error('@grpc/grpc-js credentials changed: check grpc-server.ts (grpc.tls.clientCert: request)');
  internals._getConstructorOptions = () => ({ ...original(), rejectUnauthorized: false });
}
