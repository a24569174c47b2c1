import { BerthError } from '@berth/errors';
import { ByteQueue, type FlatHeaders } from '@berth/exchange';
import type { Case } from './case.js';
import { ChunkQuestion } from './chunk-question.js';
import { HeldBody } from './held-body.js';
import type { Instead } from './instead.js';
import type { Lane, Outlet } from './lane.js';
import type { Member } from './member.js';
import { tooMuch } from './too-much.js';

const NOTHING = Buffer.alloc(0);
const TURN_END = Promise.resolve();
/** An agent that wants smaller chunks gets these: each costs a question. */
const LEAST_CHUNK_BYTES = 1024;

/** Who looks at a body, and at what of it. */
export interface Watchers {
  /** are asked about each chunk */
  readonly members: readonly Member[];
  /** bytes that its head says; undefined: it does not */
  readonly total: number | undefined;
}

/**
 * A body on its way past the agents that want to see it, one direction of an
 * exchange: a chunk goes on when all of them have answered. Until then whatever
 * comes waits within the credit of whoever sends it. What an agent wants to see
 * more of before it decides is held here, within limits.
 */
export class BodyLane implements Lane {
  private readonly queue = new ByteQueue();
  /** what is left of a chunk that was cut */
  private rest: Buffer | undefined;
  private waiting = 0;
  private arrived = 0;
  private ending: { trailers: FlatHeaders | undefined } | undefined;
  private watchers: Watchers | undefined;
  private question: ChunkQuestion | undefined;
  private readonly held: HeldBody;
  /** want to see more than there is room for: what they say later holds nothing */
  private readonly givenUp = new Set<Member>();
  private chunkBytes = Infinity;
  private outlet!: Outlet;
  private isOpen = false;
  private isRunning = false;
  private isOver = false;

  constructor(
    private readonly it: Case,
    private readonly kind: 'requestBody' | 'responseBody',
  ) {
    this.held = new HeldBody(it.options.held);
  }

  get bytes(): number {
    return this.waiting + this.held.bytes;
  }

  /** Lets it begin: until now all that came has waited. */
  begin(watchers: Watchers, outlet: Outlet): void {
    const { members, total } = watchers;
    this.watchers = watchers;
    this.outlet = outlet;
    if (members.length > 0)
      this.question = new ChunkQuestion(this.it, this.kind, members, total, () => this.held.bytes);
    for (const { conversation } of members) {
      const { preferredChunkSize } = conversation.limits;
      if (preferredChunkSize > 0)
        this.chunkBytes = Math.min(this.chunkBytes, Math.max(preferredChunkSize, LEAST_CHUNK_BYTES));
    }
    void this.run();
  }

  push(bytes: Buffer): void {
    this.queue.push(bytes);
    this.waiting += bytes.length;
    void this.run();
  }

  end(trailers: FlatHeaders | undefined): void {
    this.ending = { trailers };
    void this.run();
  }

  /** Takes out what has come and not begun. */
  unasked(): Buffer[] {
    const list: Buffer[] = [];
    for (let bytes = this.queue.shift(); bytes !== undefined; bytes = this.queue.shift()) list.push(bytes);
    return list;
  }

  drop(): void {
    this.isOver = true;
    this.queue.clear();
    this.rest = undefined;
    this.waiting = 0;
    this.held.clear();
  }

  private async run(): Promise<void> {
    if (this.isRunning || this.watchers === undefined) return;
    this.isRunning = true;
    try {
      // What one read brought is there when this turn ends: the last chunk is then known as the last.
      await TURN_END;
      while (await this.step(this.watchers));
      // A head waits for its answers alone where nobody waits for the body.
      if (!this.isOver && !this.isHolding) await this.release();
    } catch (thrown) {
      this.fail(BerthError.from(thrown));
    }
    this.isRunning = false;
    if (this.isOver) return;
    // More may have come meanwhile.
    if (this.waiting > 0 || this.ending !== undefined) void this.run();
    else this.outlet.idle();
  }

  /** @returns false when there is nothing to do */
  private async step(watchers: Watchers): Promise<boolean> {
    if (this.isOver) return false;
    const chunk = this.next();
    if (chunk !== undefined) await this.pass(chunk, this.isLastChunk(watchers));
    else if (this.ending === undefined) return false;
    else await this.finish(watchers, this.ending.trailers);
    return true;
  }

  private next(): Buffer | undefined {
    const bytes = this.rest ?? this.queue.shift();
    if (bytes === undefined) return undefined;
    const joined = this.question === undefined ? bytes : this.joined(bytes);
    const part = joined.length <= this.chunkBytes ? joined : joined.subarray(0, this.chunkBytes);
    this.rest = part === joined ? undefined : joined.subarray(part.length);
    this.waiting -= part.length;
    this.arrived += part.length;
    return part;
  }

  /** With what is there behind it, up to the chunk that agents like: a question costs more than a copy. */
  private joined(first: Buffer): Buffer {
    const { chunkBytes, queue } = this;
    if (queue.empty || first.length >= chunkBytes || chunkBytes === Infinity) return first;
    const parts = [first];
    let bytes = first.length;
    while (bytes < chunkBytes) {
      const part = queue.shift();
      if (part === undefined) break;
      parts.push(part);
      bytes += part.length;
    }
    return Buffer.concat(parts, bytes);
  }

  private isLastChunk({ total }: Watchers): boolean {
    return total === undefined ? this.ending !== undefined && this.waiting === 0 : this.arrived === total;
  }

  private async pass(chunk: Buffer, isLast: boolean): Promise<void> {
    const data = await this.asked(chunk, isLast);
    if (data === undefined || (this.isHolding && this.holds(data, chunk.length))) return;
    await this.release();
    if (!this.isOver) await this.send(data, chunk.length);
  }

  /** @returns what goes on in the place of a chunk; undefined when it is over */
  private async asked(chunk: Buffer, isLast: boolean): Promise<Buffer | undefined> {
    const { it, question, watchers } = this;
    if (question === undefined) return chunk;
    // Its agents know it as ended.
    if (this.arrived > (watchers?.total ?? Infinity))
      throw new BerthError('BERTH_BAD_AGENT_RESPONSE', 'a body is longer than its Content-Length');
    question.data = chunk;
    question.isLast = isLast;
    return this.passes(await it.panel.ask(question)) ? question.data : undefined;
  }

  private async finish({ total }: Watchers, trailers: FlatHeaders | undefined): Promise<void> {
    const { arrived, it, outlet, question } = this;
    // Where its head has left without its length, nobody else would see it.
    if (it.options.mutableBodies && question !== undefined && total !== undefined && arrived < total) {
      this.fail(new BerthError('BERTH_BAD_AGENT_RESPONSE', 'a body is shorter than its Content-Length'));
      return;
    }
    // Where nothing has come there is no body to ask about.
    if (arrived > 0 && question?.isOpen === true) await this.pass(NOTHING, true);
    if (this.stands) await this.release();
    if (!this.stands) return;
    this.drop();
    outlet.end(trailers);
  }

  /** @returns false when it is over: there is an answer in place of the service's, or nobody waits any more */
  private passes(instead: Instead | undefined): boolean {
    if (instead !== undefined && this.stands) {
      this.drop();
      this.outlet.answer(instead);
    }
    return this.stands;
  }

  private get stands(): boolean {
    return !this.isOver;
  }

  private fail(error: BerthError): void {
    if (this.isOver) return;
    this.drop();
    this.outlet.fail(error);
  }

  private get isHolding(): boolean {
    return this.undecided.length > 0;
  }

  private get undecided(): readonly Member[] {
    const side = this.kind === 'requestBody' ? 'request' : 'response';
    return this.watchers?.members.filter((member) => member.needsMore[side] && !this.givenUp.has(member)) ?? [];
  }

  /** @param came bytes of it that count where it came from @returns false when nobody waits for more of it: it passes then */
  private holds(data: Buffer, came: number): boolean {
    const { held, it } = this;
    const bytes = held.bytes + data.length;
    const waits = this.undecided;
    this.giveUp(waits.filter((member) => bytes > it.mostHeldFor(member)));
    const still = waits.filter((member) => !this.givenUp.has(member));
    if (still.length === 0) return false;
    if (held.push(data)) {
      this.outlet.held(came);
      return true;
    }
    this.giveUp(still, 'too much is held for policy agents now');
    return false;
  }

  /** There is no room for what they want to see. @param why undefined: it is larger than they may be shown @throws BerthError when one of them fails closed */
  private giveUp(members: readonly Member[], why?: string): void {
    const closed = members.find(({ conversation }) => !conversation.failsOpen);
    if (closed !== undefined) throw tooMuch(this.it, this.kind, closed, why);
    for (const member of members) this.givenUp.add(member);
  }

  /** Lets the head go, and what was held. */
  private async release(): Promise<void> {
    const { held, outlet } = this;
    if (!this.isOpen) {
      this.isOpen = true;
      await outlet.open();
    }
    for (let bytes = held.shift(); bytes !== undefined && this.stands; bytes = held.shift()) await this.send(bytes, 0);
  }

  private async send(bytes: Buffer, came: number): Promise<void> {
    const { outlet } = this;
    const room = outlet.room();
    if (room !== undefined) await room;
    if (!this.isOver) outlet.pass(bytes, came);
  }
}
