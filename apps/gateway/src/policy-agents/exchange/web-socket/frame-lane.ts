import { ByteQueue, type FlatHeaders } from '@berth/exchange';
import type { Case } from '../case.js';
import type { Lane, Outlet } from '../lane.js';
import { Deflater } from './compression.js';
import { WebSocketFault } from './fault.js';
import { FrameQuestion } from './frame-question.js';
import { closeFrame, frameOf, FrameReader, Opcode } from './frames.js';
import { type Message, MessageReader } from './messages.js';
import type { Deflate } from './offers.js';

/** What a lane is made for. */
export interface FrameLaneOptions {
  readonly clientToServer: boolean;
  /** undefined: not compressed */
  readonly deflate: Deflate | undefined;
  /** of a message */
  readonly maxBytes: number;
  /** ends both directions with a close */
  readonly close: (code: number, reason: string) => void;
}

/**
 * One direction of a WebSocket past the agents that look at its frames. Messages
 * are put together, and passed on as one frame each: compressed where they came
 * so, with a history of its own, so that one that was dropped is missed by nobody.
 */
export class FrameLane implements Lane {
  private readonly queue = new ByteQueue();
  private waiting = 0;
  private readonly reader: FrameReader;
  private readonly messages: MessageReader;
  private readonly deflater: Deflater | undefined;
  private ending: { trailers: FlatHeaders | undefined } | undefined;
  private isRunning = false;
  private isOver = false;
  /** the last frame has passed: what follows means nothing */
  private isClosed = false;
  private frames = 0;
  /** as a part of what all exchanges may hold */
  private counted = 0;

  constructor(
    private readonly it: Case,
    private readonly outlet: Outlet,
    private readonly options: FrameLaneOptions,
  ) {
    const { clientToServer, deflate, maxBytes } = options;
    this.reader = new FrameReader(clientToServer, maxBytes);
    this.messages = new MessageReader(deflate, maxBytes);
    this.deflater = deflate && new Deflater(deflate);
  }

  get bytes(): number {
    return this.waiting + this.reader.buffered + this.messages.buffered;
  }

  push(bytes: Buffer): void {
    if (this.isOver) {
      // Read to nowhere, so that the end of its connection is seen.
      this.outlet.held(bytes.length);
      this.outlet.idle();
      return;
    }
    this.queue.push(bytes);
    this.waiting += bytes.length;
    void this.run();
  }

  end(trailers: FlatHeaders | undefined): void {
    this.ending = { trailers };
    void this.run();
  }

  drop(): void {
    this.isOver = true;
    this.queue.clear();
    this.waiting = 0;
    this.count(0);
  }

  /** The last frame of this direction, and its end. */
  close(code: number, reason: string): void {
    if (this.isOver) return;
    this.drop();
    if (!this.isClosed) this.outlet.pass(closeFrame(code, reason, this.options.clientToServer), 0);
    this.outlet.end(undefined);
    this.outlet.idle();
  }

  private async run(): Promise<void> {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      while (!this.isOver) {
        const room = this.outlet.room();
        if (room !== undefined) await room;
        else if (!(await this.step())) break;
      }
    } catch (thrown) {
      this.fault(thrown);
    }
    this.isRunning = false;
    if (this.isOver) return;
    if (this.waiting > 0 || this.ending !== undefined) void this.run();
    else this.outlet.idle();
  }

  /** @returns false when there is nothing to do */
  private async step(): Promise<boolean> {
    const frame = this.reader.next();
    if (frame !== undefined) {
      const message = await this.messages.add(frame);
      if (message !== undefined && !this.isOver && !this.isClosed) await this.judge(message);
      this.recount();
      return true;
    }
    const bytes = this.queue.shift();
    if (bytes !== undefined) {
      this.waiting -= bytes.length;
      this.outlet.held(bytes.length);
      if (!this.isClosed) this.reader.feed(bytes);
      this.recount();
      return true;
    }
    if (this.ending === undefined) return false;
    this.drop();
    this.outlet.end(this.ending.trailers);
    return true;
  }

  private async judge(message: Message): Promise<void> {
    const { it, options } = this;
    const question = new FrameQuestion(it, message, options.clientToServer, this.frames);
    this.frames += 1;
    const instead = await it.panel.ask(question);
    if (this.isOver) return;
    const { decision } = question;
    if (instead !== undefined) options.close(1008, 'refused by a policy');
    else if (decision.kind === 'close') options.close(decision.code, decision.reason);
    else if (decision.kind === 'allow' || message.type === 'close') await this.pass(message);
  }

  private async pass({ type, payload, compressed }: Message): Promise<void> {
    const { deflater, options, outlet } = this;
    const compresses = compressed && deflater?.isAble === true;
    const bytes = compresses ? await deflater.deflate(payload) : payload;
    if (this.isOver) return;
    this.isClosed = type === 'close';
    outlet.pass(frameOf(Opcode[type], bytes, options.clientToServer, compresses), 0);
  }

  private fault(thrown: unknown): void {
    if (this.isOver) return;
    if (thrown instanceof WebSocketFault) this.options.close(thrown.code, thrown.message);
    else this.options.close(1013, 'a policy agent is not available');
  }

  private recount(): void {
    if (!this.isOver && !this.count(this.reader.buffered + this.messages.buffered))
      throw new WebSocketFault(1013, 'too much is held for policy agents now');
  }

  private count(bytes: number): boolean {
    const { held } = this.it.options;
    if (bytes > this.counted && !held.take(bytes - this.counted)) return false;
    if (bytes < this.counted) held.release(this.counted - bytes);
    this.counted = bytes;
    return true;
  }
}
