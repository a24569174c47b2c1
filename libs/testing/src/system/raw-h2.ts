import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { TUNNEL_METHOD_PATH } from '@berth/tunnel-protocol';
import { encodeControl } from '../../../tunnel-protocol/testing/control.js';

/** HTTP/2 frames by hand (RFC 9113 section 4.1), for peers that do what no library does. */
export function h2Frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const H2 = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** What a client says first. */
export const H2_PREFACE = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), h2Frame(H2.settings, 0, 0)]);

/** HEADERS that open a call of the tunnel, END_HEADERS set. */
export function callHead(stream: number, more: Record<string, string> = {}): Buffer {
  const headers = {
    ':method': 'POST',
    ':scheme': 'http',
    ':path': TUNNEL_METHOD_PATH,
    ':authority': 'a',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  };
  return h2Frame(H2.headers, 4, stream, headerBlock(headers));
}

/** A header block without compression. */
export function headerBlock(headers: Record<string, string>): Buffer {
  return Buffer.concat(
    Object.entries(headers).map(([name, value]) => Buffer.concat([LITERAL, text(name), text(value)])),
  );
}

/** The head of a gRPC message. */
export function messageHead(length: number, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(length, 1);
  return head;
}

/** A Hello as a whole gRPC message. */
export function helloMessage(hello: Parameters<typeof encodeControl<'hello'>>[1]): Buffer {
  const frame = Buffer.from(encodeControl('hello', hello), 'latin1');
  return Buffer.concat([messageHead(frame.length), frame]);
}

/** A TCP client of the gRPC port. */
export class H2Peer implements Disposable {
  closed = false;
  received = 0;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => (this.received += bytes.length));
    socket.on('close', () => (this.closed = true));
  }

  /** @param localAddress of 127.0.0.0/8, to come from an address of its own */
  static async connect(port: number, localAddress = '127.0.0.1'): Promise<H2Peer> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const peer = new H2Peer(socket);
    await once(socket, 'connect');
    return peer;
  }

  send(...frames: Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** Sends the same bytes for as long as they are taken. */
  flood(next: () => Buffer): void {
    const more = (): void => {
      while (this.socket.writable && this.socket.write(next()));
    };
    this.socket.on('drain', more);
    more();
  }

  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Literal header field without indexing, new name (RFC 7541 section 6.2.2). */
const LITERAL = Buffer.from([0]);

function text(value: string): Buffer {
  return Buffer.concat([integer(value.length), Buffer.from(value, 'latin1')]);
}

/** RFC 7541 section 5.1, with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
