import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** The service beside the agent. */
export interface LocalTarget {
  /** origin for HTTP, such as `http://127.0.0.1:3000` */
  origin: string;
  secure: boolean;
  host: string;
  port: number;
  /** instead of host and port */
  socketPath: string | undefined;
}

/**
 * @param target `http://…`, `https://…` or `unix:/path`, as the settings hold it
 */
export function parseTarget(target: string): LocalTarget {
  if (target.startsWith('unix:')) {
    return {
      origin: 'http://localhost',
      secure: false,
      host: 'localhost',
      port: 80,
      socketPath: target.slice('unix:'.length),
    };
  }
  const url = new URL(target);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    origin: url.origin,
    secure,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    socketPath: undefined,
  };
}

/**
 * A socket of its own to the local service; both halves end independently.
 * Text is written to it as Latin-1: node:http names no encoding for some heads.
 */
export function connectLocal(target: LocalTarget): Socket {
  const socket = openSocket(target);
  socket.setDefaultEncoding('latin1');
  return socket;
}

function openSocket(target: LocalTarget): Socket {
  const address =
    target.socketPath === undefined ? { host: target.host, port: target.port } : { path: target.socketPath };
  if (!target.secure) return connectTcp({ ...address, allowHalfOpen: true, noDelay: true });
  const options: ConnectionOptions & { allowHalfOpen: boolean } = {
    ...address,
    servername: target.host,
    ALPNProtocols: ['http/1.1'],
    allowHalfOpen: true,
  };
  return connectTls(options);
}
