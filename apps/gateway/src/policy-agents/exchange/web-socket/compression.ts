import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import type { Deflate } from './offers.js';
import { WebSocketFault } from './fault.js';

const inflateAll = promisify(inflateRaw);
const deflateAll = promisify(deflateRaw);

/** What the end of each message is cut by (RFC 7692 section 7.2.1). */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const NONE = Buffer.alloc(0);

/** What went before, as far as the next message may refer to it: for zlib a dictionary. */
class History {
  private last = NONE;
  private readonly bytes: number;

  constructor(private readonly deflate: Deflate) {
    this.bytes = deflate.noTakeover ? 0 : 2 ** deflate.windowBits;
  }

  get options(): { windowBits: number; finishFlush: number; dictionary?: Buffer } {
    const { deflate, last } = this;
    const options = { windowBits: deflate.windowBits, finishFlush: constants.Z_SYNC_FLUSH };
    return last.length === 0 ? options : { ...options, dictionary: last };
  }

  add(plain: Buffer): void {
    const { bytes, last } = this;
    if (bytes === 0) return;
    // A copy: a view would keep the whole message.
    this.last = Buffer.concat([
      last.subarray(Math.max(0, last.length + Math.min(plain.length, bytes) - bytes)),
      plain.subarray(-bytes),
    ]);
  }
}

/** Takes messages of one direction apart; keeps no stream of zlib between them. */
export class Inflater {
  private readonly history: History;

  constructor(
    deflate: Deflate,
    private readonly maxBytes: number,
  ) {
    this.history = new History(deflate);
  }

  /** @throws WebSocketFault for more bytes than a message may have, or what cannot be read */
  async inflate(bytes: Buffer): Promise<Buffer> {
    let plain: Buffer;
    try {
      plain = await inflateAll(Buffer.concat([bytes, TAIL]), {
        ...this.history.options,
        maxOutputLength: this.maxBytes,
      });
    } catch (thrown) {
      const isLarge = (thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      throw isLarge
        ? WebSocketFault.tooLarge(this.maxBytes)
        : new WebSocketFault(1007, 'a compressed message that cannot be read');
    }
    this.history.add(plain);
    return plain;
  }
}

/** Puts messages of one direction together again. */
export class Deflater {
  /** zlib cannot do with a window of 256 bytes */
  readonly isAble: boolean;
  private readonly history: History;

  constructor(deflate: Deflate) {
    this.isAble = deflate.windowBits > 8;
    this.history = new History(deflate);
  }

  async deflate(plain: Buffer): Promise<Buffer> {
    const bytes = await deflateAll(plain, this.history.options);
    this.history.add(plain);
    return bytes.subarray(0, -TAIL.length);
  }
}
