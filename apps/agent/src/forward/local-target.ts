import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, createSecureContext } from 'node:tls';
import type { AgentSettings } from '../agent-settings.js';
import { BerthError, messageOf } from '@berth/errors';
import { keepAnswers } from './kept-answers.js';

/** What is checked of a service with TLS. */
export type LocalTls = Pick<ConnectionOptions, 'secureContext' | 'rejectUnauthorized'>;

/** The service beside the agent. */
export interface LocalTarget {
  /** origin for HTTP, such as `http://127.0.0.1:3000` */
  origin: string;
  secure: boolean;
  /** for raw TCP, and for nothing else */
  raw: boolean;
  /** HTTP/2 is spoken, with or without TLS */
  h2: boolean;
  host: string;
  port: number;
  /** instead of host and port */
  socketPath: string | undefined;
  /** name to ask for in TLS, and to check the certificate for; undefined for an address (RFC 6066 section 3) */
  serverName: string | undefined;
  tls: LocalTls;
}

const CHECKED: AgentSettings['local']['tls'] = { caFile: '', serverName: '', verify: true };

/**
 * @param target `http://…`, `https://…`, `h2c://…`, `h2://…`, `tcp://host:port` or `unix:/path`, as the settings hold it
 * @param tls for a target with TLS
 * @throws BerthError `BERTH_CONFIG_INVALID` naming the setting of a file that cannot be used
 */
export function parseTarget(target: string, tls: AgentSettings['local']['tls'] = CHECKED): LocalTarget {
  if (target.startsWith('unix:')) {
    return {
      origin: 'http://localhost',
      secure: false,
      raw: false,
      h2: false,
      host: 'localhost',
      port: 80,
      socketPath: target.slice('unix:'.length),
      serverName: undefined,
      tls: {},
    };
  }
  const h2 = target.startsWith('h2');
  const url = new URL(h2 ? target.replace(/^h2c?/, (scheme) => (scheme === 'h2' ? 'https' : 'http')) : target);
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const serverName = tls.serverName === '' ? host : tls.serverName;
  return {
    origin: url.origin,
    secure,
    raw: url.protocol === 'tcp:',
    h2,
    host,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    socketPath: undefined,
    serverName: secure && isIP(serverName) === 0 ? serverName : undefined,
    tls: secure ? tlsOptions(tls) : {},
  };
}

function tlsOptions({ caFile, verify }: AgentSettings['local']['tls']): LocalTls {
  if (caFile === '') return { rejectUnauthorized: verify };
  try {
    // Made once: to parse a CA for each connection costs more than the rest of it.
    return { rejectUnauthorized: verify, secureContext: createSecureContext({ ca: readFileSync(caFile) }) };
  } catch (thrown) {
    throw new BerthError('BERTH_CONFIG_INVALID', `local.tls.caFile: cannot use ${caFile}: ${messageOf(thrown)}`);
  }
}

/**
 * A socket of its own to the local service; both halves end independently.
 * Text is written to it as Latin-1: node:http names no encoding for some heads.
 */
export function connectLocal(target: LocalTarget): Socket {
  const socket = openSocket(target, 'http/1.1');
  socket.setDefaultEncoding('latin1');
  keepAnswers(socket);
  return socket;
}

/**
 * A bare socket to the local service, of which each half ends by itself.
 *
 * @param protocol named in TLS (ALPN), and the only one
 */
export function openSocket(target: LocalTarget, protocol: 'http/1.1' | 'h2'): Socket {
  const address =
    target.socketPath === undefined ? { host: target.host, port: target.port } : { path: target.socketPath };
  if (!target.secure) return connectTcp({ ...address, allowHalfOpen: true, noDelay: true });
  const options: ConnectionOptions & { allowHalfOpen: boolean } = {
    ...address,
    ...target.tls,
    ...(target.serverName === undefined ? {} : { servername: target.serverName }),
    ALPNProtocols: [protocol],
    allowHalfOpen: true,
  };
  return connectTls(options);
}
