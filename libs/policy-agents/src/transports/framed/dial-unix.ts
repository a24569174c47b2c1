import { connect } from 'node:net';
import { BerthError, messageOf } from '@berth/errors';
import type { ProxyHello } from '../../capabilities.js';
import type { AgentLink } from '../../link.js';
import { FrameType } from '../../wire/shapes/frame-types.js';
import type { Encoding } from '../../wire/shapes/dialect.js';
import { firstFrame, handshakeFrame, type Patience } from './first-frames.js';
import { ENCODINGS, helloFields, readHandshakeReply } from './framed-handshake.js';
import { FramedAgentLink } from './framed-link.js';

export interface UnixDialOptions extends Patience {
  /** of the agent's socket */
  readonly path: string;
  readonly hello: ProxyHello;
  /** offered to the agent, the best first; default MessagePack, then JSON */
  readonly encodings?: readonly Encoding[] | undefined;
}

/**
 * Connects to an agent that listens on a unix socket.
 *
 * @throws BerthError (as a rejection) that names the socket: `BERTH_CONNECTION_CLOSED`, `BERTH_HANDSHAKE_TIMEOUT`,
 *   `BERTH_PROTOCOL_ERROR`, `BERTH_VERSION_UNSUPPORTED`, and `BERTH_POLICY_UNAVAILABLE` when the agent refuses
 */
export async function dialUnix(options: UnixDialOptions): Promise<AgentLink> {
  const { path, hello, encodings = ENCODINGS } = options;
  const remote = `unix:${path}`;
  const frame = handshakeFrame(FrameType.handshakeRequest, helloFields(hello, encodings));
  const socket = connect({ path });
  socket.write(frame);
  try {
    const { channel, fields } = await firstFrame(socket, remote, FrameType.handshakeResponse, options);
    const { capabilities, dialect } = readHandshakeReply(fields, encodings);
    return new FramedAgentLink('unix', channel, dialect, capabilities);
  } catch (thrown) {
    socket.destroy();
    throw dialError('policy agent', remote, thrown);
  }
}

/** Names whom it was that was dialled. */
export function dialError(whom: string, remote: string, thrown: unknown): BerthError {
  const code = thrown instanceof BerthError ? thrown.code : 'BERTH_PROTOCOL_ERROR';
  return new BerthError(code, `${whom} at ${remote}: ${messageOf(thrown)}`, { cause: thrown });
}
