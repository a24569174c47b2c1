import type { Socket } from 'node:net';
import { BerthError } from '@berth/errors';
import type { Fields } from '../../wire/fields.js';
import { decodePayload, encodeFrame } from '../../wire/framing/payloads.js';
import { type FrameType, frameTypeName } from '../../wire/shapes/frame-types.js';
import { FrameChannel } from './frame-channel.js';

/** Of the first frame of either side, bytes: a stranger's as well. */
const MAX_FIRST_FRAME_BYTES = 262_144;

export interface Patience {
  /** for all of it, ms */
  readonly timeoutMs: number;
  /** gives it up */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What the other side says first, on a connection that has just been made or taken. The channel is paused behind it.
 *
 * @param socket that is connected or about to be; it is destroyed when this fails
 * @param expected type of the other side's first frame
 * @throws BerthError (as a rejection) `BERTH_HANDSHAKE_TIMEOUT`, `BERTH_PROTOCOL_ERROR`, `BERTH_CONNECTION_CLOSED`
 */
export function firstFrame(
  socket: Socket,
  remote: string,
  expected: typeof FrameType.handshakeRequest | typeof FrameType.handshakeResponse,
  { timeoutMs, signal }: Patience,
): Promise<{ readonly channel: FrameChannel; readonly fields: Fields }> {
  const channel = new FrameChannel(socket, remote);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      channel.fail(new BerthError('BERTH_HANDSHAKE_TIMEOUT', `no handshake within ${timeoutMs} ms`));
    }, timeoutMs);
    const aborted = (): void => {
      channel.fail(new BerthError('BERTH_CONNECTION_CLOSED', 'it was given up'));
    };
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', aborted);
    };
    channel.open(
      {
        frame: (type, payload) => {
          if (type !== expected) {
            const names = `${frameTypeName(expected)}, and ${frameTypeName(type)} came`;
            throw new BerthError('BERTH_PROTOCOL_ERROR', `the first frame has to be ${names}`);
          }
          const fields = decodePayload(type, payload, 'json', (read) => read);
          settle();
          channel.pause();
          resolve({ channel, fields });
        },
        drained: () => undefined,
        ended: (error) => {
          settle();
          reject(error ?? new BerthError('BERTH_CONNECTION_CLOSED', 'the connection was closed in the handshake'));
        },
      },
      MAX_FIRST_FRAME_BYTES,
    );
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener('abort', aborted);
  });
}

/** A frame of the handshake, which is always in JSON. */
export function handshakeFrame(
  type: typeof FrameType.handshakeRequest | typeof FrameType.handshakeResponse,
  fields: Fields,
): Buffer {
  const frame = encodeFrame(type, fields, 'json');
  if (frame === undefined) throw new BerthError('BERTH_INTERNAL', 'a handshake that no frame can hold');
  return frame;
}
