import { BerthError } from '@berth/errors';
import type { FlatHeaders } from '@berth/exchange';
import type { BodyLane } from './body-lane.js';
import type { Case } from './case.js';
import { Unreadable } from './decoded.js';
import { askAboutTexts, type GuardrailText } from './guardrail-question.js';
import { HeldBody } from './held-body.js';
import type { Instead } from './instead.js';
import type { Lane, Outlet } from './lane.js';
import type { Member } from './member.js';
import type { BodyForm, TextReader } from './text-reader.js';
import { tooMuch } from './too-much.js';
import { textReader } from './whole-texts.js';

/** A window is judged before it is full when nothing has come for so long, ms. */
const PAUSE_MS = 250;

const FULL = 'too much is held for policy agents now';

/** A body's lane that leads to a gate. */
export class GatedLane implements Lane {
  constructor(
    private readonly lane: BodyLane,
    private readonly gate: GuardGate,
  ) {}

  get bytes(): number {
    return this.lane.bytes + this.gate.bytes;
  }

  push(bytes: Buffer): void {
    this.lane.push(bytes);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.lane.end(trailers);
  }

  drop(): void {
    this.lane.drop();
    this.gate.drop();
  }
}

/**
 * Stands behind the lane of a body whose texts agents judge: what the lane lets go waits here until they have. That is
 * the whole body, or of a stream one window after the other.
 */
export class GuardGate implements Outlet {
  private readonly waiting: HeldBody;
  private readonly kind: 'requestBody' | 'responseBody';
  private readonly reader: TextReader;
  /** ends when nothing is being done; never rejects */
  private work: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isOpen = false;
  private isIdle = false;
  private isOver = false;

  /** @param guards that judge the texts */
  constructor(
    private readonly it: Case,
    private readonly form: Omit<BodyForm, 'maxBytes'>,
    private guards: readonly Member[],
    private readonly outlet: Outlet,
  ) {
    this.waiting = new HeldBody(it.options.held);
    this.kind = form.side === 'request' ? 'requestBody' : 'responseBody';
    const maxBytes = Math.min(...guards.map((member) => it.mostHeldFor(member)));
    this.reader = textReader({ ...form, maxBytes });
  }

  get bytes(): number {
    return this.waiting.bytes;
  }

  drop(): void {
    this.isOver = true;
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  /** The head goes with the first bytes that do. */
  open(): Promise<void> {
    return Promise.resolve();
  }

  /** What comes to be judged waits here. Behind it only one waits for room at a time: whoever lets it go does that. */
  room(): Promise<void> | undefined {
    const { guards, outlet, work } = this;
    if (work !== undefined) return work.then(() => this.room());
    return guards.length === 0 ? outlet.room() : undefined;
  }

  pass(bytes: Buffer, came: number): void {
    if (this.isOpen && this.guards.length === 0) this.outlet.pass(bytes, came);
    else this.begin(() => this.take(bytes, came));
  }

  held(came: number): void {
    this.outlet.held(came);
  }

  end(trailers: FlatHeaders | undefined): void {
    const { work } = this;
    this.begin(async () => {
      await work;
      if (!this.isOver && this.guards.length > 0) await this.judge(true);
      if (this.stands) await this.release();
      if (!this.stands) return;
      this.drop();
      this.outlet.end(trailers);
    });
  }

  idle(): void {
    if (this.work === undefined) this.outlet.idle();
    else this.isIdle = true;
  }

  answer(instead: Instead): void {
    this.drop();
    this.outlet.answer(instead);
  }

  fail(error: BerthError): void {
    this.drop();
    this.outlet.fail(error);
  }

  private begin(act: () => Promise<void>): void {
    this.isIdle = false;
    clearTimeout(this.timer);
    const work = act()
      .catch((thrown: unknown) => {
        if (!this.isOver) this.fail(BerthError.from(thrown));
      })
      .then(() => {
        if (this.work !== work) return;
        this.work = undefined;
        if (this.isIdle && !this.isOver) this.outlet.idle();
      });
    this.work = work;
  }

  private async take(bytes: Buffer, came: number): Promise<void> {
    const { outlet, reader } = this;
    const whole = reader.push(bytes);
    if (reader.hasNone) this.guards = [];
    if (this.guards.length === 0 || (reader.isClear && whole === bytes.length && whole > 0)) {
      await this.release();
      await this.send(bytes, came);
      return;
    }
    outlet.held(came);
    await this.hold(bytes.subarray(0, whole));
    if (reader.isDue && this.guards.length > 0) await this.judge(false);
    if (whole > 0 && reader.isClear && this.stands) await this.release();
    await this.hold(bytes.subarray(whole));
    const mayRest = whole > 0 && whole === bytes.length && !reader.isClear;
    if (mayRest && this.guards.length > 0 && this.stands) this.waitForMore();
  }

  /** What has come is whole: if no more does, nobody has to wait for it. */
  private waitForMore(): void {
    this.timer = setTimeout(() => {
      this.begin(async () => {
        await this.judge(false);
        if (this.stands) await this.release();
      });
    }, PAUSE_MS);
  }

  /** What nobody waits for goes on. */
  private async hold(bytes: Buffer): Promise<void> {
    const { it, waiting } = this;
    if (bytes.length === 0 || !this.stands) return;
    const all = waiting.bytes + bytes.length;
    this.giveUp(this.guards.filter((member) => all > it.mostHeldFor(member)));
    if (this.guards.length > 0 && !waiting.push(bytes)) this.giveUp(this.guards, FULL);
    if (this.guards.length > 0) return;
    await this.release();
    await this.send(bytes, 0);
  }

  /** @throws BerthError when one of these fails closed */
  private giveUp(members: readonly Member[], why?: string): void {
    for (const member of members) this.unseen(member, tooMuch(this.it, this.kind, member, why));
  }

  private unseen(member: Member, error: BerthError): void {
    this.guards = this.guards.filter((other) => other !== member);
    this.it.panel.unseen(member, 'guardrail', error);
  }

  private async judge(isEnd: boolean): Promise<void> {
    const texts = await this.texts(isEnd);
    if (!this.stands) return;
    // Decoded, texts may be far more than what is held for them.
    const more = Math.max(0, texts.reduce((sum, { content }) => sum + content.length, 0) - this.waiting.bytes);
    const { held } = this.it.options;
    if (!held.take(more)) {
      this.giveUp(this.guards, FULL);
      return;
    }
    try {
      const instead = await askAboutTexts(this.it, this.form.side, this.guards, texts);
      if (instead !== undefined) this.answer(instead);
    } finally {
      held.release(more);
    }
  }

  private async texts(isEnd: boolean): Promise<readonly GuardrailText[]> {
    try {
      return await this.reader.take(() => this.waiting.whole(), isEnd);
    } catch (thrown) {
      if (!(thrown instanceof Unreadable)) throw thrown;
      for (const member of this.stands ? this.guards : []) this.unseen(member, this.unreadable(member, thrown));
      return [];
    }
  }

  private unreadable({ conversation: { agentName } }: Member, { isLarge, message }: Unreadable): BerthError {
    const isRequest = this.form.side === 'request';
    const what = `the ${isRequest ? 'request body' : 'response'} cannot be shown to policy agent ${agentName}: ${message}`;
    if (!isRequest) return new BerthError('BERTH_POLICY_UNAVAILABLE', what);
    return new BerthError(isLarge ? 'BERTH_BODY_TOO_LARGE' : 'BERTH_UNSUPPORTED_MEDIA_TYPE', what);
  }

  private get stands(): boolean {
    return !this.isOver;
  }

  /** Lets the head go, and what was held. */
  private async release(): Promise<void> {
    if (!this.isOpen) {
      this.isOpen = true;
      await this.outlet.open();
    }
    const { waiting } = this;
    for (let bytes = waiting.shift(); bytes !== undefined && this.stands; bytes = waiting.shift())
      await this.send(bytes, 0);
  }

  private async send(bytes: Buffer, came: number): Promise<void> {
    const { outlet } = this;
    const room = outlet.room();
    if (room !== undefined) await room;
    if (!this.isOver) outlet.pass(bytes, came);
  }
}
