import { ByteQueue } from '@berth/exchange';
import type { FrameType } from '@berth/policy-agents';
import { allOf } from '../held-body.js';
import { Inflater } from './compression.js';
import { WebSocketFault } from './fault.js';
import { type Frame, Opcode } from './frames.js';
import type { Deflate } from './offers.js';

/** A whole message, or a control frame. */
export interface Message {
  readonly type: FrameType;
  readonly payload: Buffer;
  readonly compressed: boolean;
}

const TYPES: Readonly<Record<number, FrameType>> = {
  [Opcode.text]: 'text',
  [Opcode.binary]: 'binary',
  [Opcode.close]: 'close',
  [Opcode.ping]: 'ping',
  [Opcode.pong]: 'pong',
};

/** Puts the frames of one direction together to messages. */
export class MessageReader {
  private readonly parts = new ByteQueue();
  private bytes = 0;
  private begun: { readonly type: FrameType; readonly compressed: boolean } | undefined;
  private readonly inflater: Inflater | undefined;

  /** @param maxBytes of a message, inflated */
  constructor(
    deflate: Deflate | undefined,
    private readonly maxBytes: number,
  ) {
    this.inflater = deflate && new Inflater(deflate, maxBytes);
  }

  get buffered(): number {
    return this.bytes;
  }

  /** @returns what is whole with this frame @throws WebSocketFault (as a rejection) */
  async add({ compressed, fin, opcode, payload }: Frame): Promise<Message | undefined> {
    if (compressed && (this.inflater === undefined || (opcode !== Opcode.text && opcode !== Opcode.binary)))
      throw new WebSocketFault(1002, 'a compressed frame where none may be');
    const type = TYPES[opcode];
    if (opcode >= 8 && type !== undefined) {
      if (type === 'close' && payload.length === 1) throw new WebSocketFault(1002, 'a close with half a code');
      return { type, payload, compressed: false };
    }
    if ((type === undefined) !== (this.begun !== undefined))
      throw new WebSocketFault(1002, 'a message in parts that are not in order');
    if (type !== undefined) this.begun = { type, compressed };
    if (this.bytes + payload.length > this.maxBytes) throw WebSocketFault.tooLarge(this.maxBytes);
    this.bytes += payload.length;
    this.parts.push(payload);
    const { begun } = this;
    if (!fin || begun === undefined) return undefined;
    this.begun = undefined;
    return this.whole(begun.type, begun.compressed);
  }

  private async whole(type: FrameType, compressed: boolean): Promise<Message> {
    const bytes = allOf(this.parts);
    this.bytes = 0;
    const payload = compressed && this.inflater !== undefined ? await this.inflater.inflate(bytes) : bytes;
    return { type, payload, compressed };
  }
}
