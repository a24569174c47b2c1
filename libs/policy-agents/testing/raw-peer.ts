import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from '@berth/testing';

/** One frame as bytes: its length, its type, its payload. */
export function frame(type: number, payload: string | Buffer | object): Buffer {
  const content =
    typeof payload === 'string' || Buffer.isBuffer(payload)
      ? Buffer.from(payload)
      : Buffer.from(JSON.stringify(payload));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(content.length + 1);
  head[4] = type;
  return Buffer.concat([head, content]);
}

/** The other side of a framed connection, byte by byte. */
export class RawPeer {
  received = Buffer.alloc(0);
  isClosed = false;

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  static async to(address: string): Promise<RawPeer> {
    const [host = '', port = ''] = address.split(':');
    const socket = host === 'unix' ? connect(port) : connect(Number(port), host);
    await once(socket, 'connect');
    return new RawPeer(socket);
  }

  /** Takes the next frame off what has come. */
  async next(): Promise<{ type: number; json: Record<string, unknown> }> {
    const end = await eventually(() => this.endOfFrame());
    const type = this.received[4] as number;
    const json = JSON.parse(String(this.received.subarray(5, end))) as Record<string, unknown>;
    this.received = this.received.subarray(end);
    return { type, json };
  }

  private endOfFrame(): number | undefined {
    const end = this.received.length < 4 ? Infinity : this.received.readUInt32BE() + 4;
    return end <= this.received.length ? end : undefined;
  }

  closed(): Promise<boolean> {
    return eventually(() => this.isClosed);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
