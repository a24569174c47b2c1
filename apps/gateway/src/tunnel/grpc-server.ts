import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { readPemFiles } from '#config';
import { BerthError } from '#errors';

/**
 * What grpc-js has no public option for, in one place.
 *
 * Its servers advertise the HTTP/2 default window of 64 KiB. At 100 ms round
 * trip that holds an agent's upload to 0.3 MB/s, and it costs two thirds of the
 * throughput even on loopback. Tunnel frames carry their own credit per
 * exchange, so these windows only have to be out of the way.
 */
const STREAM_WINDOW_BYTES = 32 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 32 * 1024 * 1024;

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
export function createGrpcServer(options: Record<string, string | number>, onUntrusted: OnUntrusted): Server {
  const server = new Server(options);
  const internals = server as unknown as ServerInternals;
  const original = internals.createHttp2Server?.bind(server);
  if (original === undefined)
    throw new Error('@grpc/grpc-js has no createHttp2Server: check grpc-server.ts against its new version');
  internals.createHttp2Server = (credentials) => {
    const http2 = original(credentials);
    http2.updateSettings({ initialWindowSize: STREAM_WINDOW_BYTES });
    http2.on('session', (session: ServerHttp2Session) => {
      if (refuseUntrusted(session, onUntrusted)) return;
      session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    });
    return http2;
  };
  return server;
}

/** Told when a caller showed a certificate that the CA did not sign, or that is out of date. */
export type OnUntrusted = (remoteAddress: string, reason: string) => void;

/**
 * With `request` a caller may come without a certificate, but what it shows must
 * be good. grpc-js hides a bad one, so that it would count as none.
 */
function refuseUntrusted(session: ServerHttp2Session, onUntrusted: OnUntrusted): boolean {
  const { socket } = session;
  if (!(socket instanceof TLSSocket) || socket.authorized) return false;
  if (Object.keys(socket.getPeerCertificate()).length === 0) return false;
  onUntrusted(`${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`, String(socket.authorizationError));
  session.destroy();
  return true;
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

/** grpc-js knows "no client certificate" and "required"; "asked for" is an option of Node underneath. */
function acceptWithoutCertificate(credentials: ServerCredentials): void {
  const internals = credentials as unknown as CredentialsInternals;
  const original = internals._getConstructorOptions?.bind(credentials);
  if (original === undefined)
    throw new Error('@grpc/grpc-js credentials changed: check grpc-server.ts (grpc.tls.clientCert: request)');
  internals._getConstructorOptions = () => ({ ...original(), rejectUnauthorized: false });
}
