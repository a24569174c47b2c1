import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BerthError } from '@berth/errors';
import type { ProxyLink } from '../../link.js';
import { FrameType } from '../../wire/shapes/frame-types.js';
import { dialError } from '../framed/dial-unix.js';
import { firstFrame, handshakeFrame, type Patience } from '../framed/first-frames.js';
import { agreedDialect, ENCODINGS } from '../framed/framed-handshake.js';
import { FramedProxyLink } from '../framed/framed-link.js';
import type { ListenAddress } from '../framed/listen.js';
import type { ClientTls } from '../grpc/grpc-channel.js';
import { readRegistrationReply, type Registration, registrationFields } from './registration.js';

export interface ReverseDialOptions extends Patience {
  /** where the proxy listens for agents */
  readonly address: ListenAddress;
  /** absent: plaintext */
  readonly tls?: ClientTls | undefined;
  readonly registration: Omit<Registration, 'protocolVersion'>;
}

/**
 * Registers an agent at a proxy that listens for agents; the link is the agent's side of it.
 *
 * @throws BerthError (as a rejection) that names the proxy: `BERTH_CONNECTION_CLOSED`, `BERTH_HANDSHAKE_TIMEOUT`,
 *   `BERTH_PROTOCOL_ERROR`, and `BERTH_AGENT_NOT_ALLOWED` with the reason when the proxy refuses
 */
export async function dialReverse(options: ReverseDialOptions): Promise<ProxyLink> {
  const { address, registration } = options;
  const remote = 'path' in address ? `unix:${address.path}` : `${address.host}:${address.port}`;
  const frame = handshakeFrame(FrameType.handshakeRequest, registrationFields(registration));
  const socket = connectTo(options);
  socket.write(frame);
  try {
    const { channel, fields } = await firstFrame(socket, remote, FrameType.handshakeResponse, options);
    const { error, hello } = readRegistrationReply(fields);
    if (error !== undefined) throw new BerthError('BERTH_AGENT_NOT_ALLOWED', `refused: ${error.slice(0, 200)}`);
    return new FramedProxyLink('reverse', channel, agreedDialect(fields, ENCODINGS), hello);
  } catch (thrown) {
    socket.destroy();
    throw dialError('proxy', remote, thrown);
  }
}

function connectTo({ address, tls }: ReverseDialOptions): Socket {
  if ('path' in address) return connect(address.path);
  const { host, port } = address;
  if (tls === undefined) return connect({ host, port, noDelay: true, keepAlive: true });
  const { ca, cert, key, serverName: servername = host } = tls;
  return connectTls({
    host,
    port,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(isIP(servername) === 0 && { servername }),
  });
}
