import { BerthError } from '@berth/errors';
import type { FlatHeaders, ResponseHead } from '@berth/exchange';
import { forgetBytes, isBodiless } from '@berth/http-rules';
import { codingsOf, contentLengthOf, contentTypeOf, mayBeOfModel, streamKindOf } from './body-heads.js';
import { BodyLane, type Watchers } from './body-lane.js';
import type { Case, CaseOwner } from './case.js';
import { GatedLane, GuardGate } from './guard-gate.js';
import { ResponseHeadQuestion } from './head-questions.js';
import type { Instead } from './instead.js';
import type { Lane, Outlet } from './lane.js';
import type { Member } from './member.js';

/** Bytes that the client has yet to take, above which nothing more is asked about and passed. */
const MAX_UNTAKEN_BYTES = 262_144;

/** What the answer's side needs of its exchange. */
export interface ResponseOwner extends CaseOwner {
  sendHead(head: ResponseHead): void;
  answerOn(bytes: Buffer): void;
  endAnswer(trailers: FlatHeaders | undefined): void;
  /** the service may send so many bytes more */
  grant(bytes: number): void;
  /** the head of a switch to WebSocket has its answers, and agents look at frames */
  beginFrames(): void;
}

/**
 * An answer on its way past the agents. What the client takes is given back to
 * the service as credit, though bytes may have become more or less.
 */
export class ResponseSide implements Outlet {
  /** undefined: bytes go straight through */
  lane: Lane | undefined;
  /** of the answer; 0: there is none yet */
  status = 0;
  /** bytes of the body that have passed */
  sent = 0;
  private headLane: BodyLane | undefined;
  private head: ResponseHead | undefined;
  private headLeft = false;
  private watchers: Watchers | undefined;
  /** bytes are counted: more or less may pass than came */
  private counts = false;
  /** passed, and not taken by the client */
  private untaken = 0;
  /** came from the service, and not given back */
  private owed = 0;
  private waiter: (() => void) | undefined;

  constructor(
    private readonly it: Case,
    private readonly owner: ResponseOwner,
  ) {}

  /** The client has the head, or something in its place. */
  get hasBegun(): boolean {
    return this.headLeft;
  }

  pushHead(head: ResponseHead): void {
    const { guards, heads, members } = this.it;
    this.head = head;
    const concerns =
      heads.hasLater ||
      guards.length > 0 ||
      this.it.switchesToFrames(head) ||
      members.some((member) => member.supports('responseHeaders') || member.supports('responseBody'));
    if (!concerns) {
      this.leave(head);
      return;
    }
    heads.answered(head.headers);
    this.headLane = new BodyLane(this.it, 'responseBody');
    this.lane = this.headLane;
    void this.judgeHead(head);
  }

  push(bytes: Buffer): void {
    if (this.lane === undefined) this.answerOn(bytes);
    else this.lane.push(bytes);
  }

  pushEnd(trailers: FlatHeaders | undefined): void {
    if (this.lane === undefined) this.owner.endAnswer(trailers);
    else this.lane.end(trailers);
  }

  /** The client has taken so many of the bytes that were passed. */
  consumed(bytes: number): void {
    if (!this.counts) {
      this.owner.grant(bytes);
      return;
    }
    this.untaken -= bytes;
    const grant = this.untaken <= 0 ? this.owed : Math.min(bytes, this.owed);
    this.owed -= grant;
    if (grant > 0) this.owner.grant(grant);
    if (this.waiter === undefined || this.untaken > MAX_UNTAKEN_BYTES) return;
    const { waiter } = this;
    this.waiter = undefined;
    waiter();
  }

  drop(): void {
    this.lane?.drop();
    this.owed = 0;
  }

  /** The head goes, and what follows is frames; what has come behind it is the first of them. */
  beginPipe(lane: Lane): void {
    const early = this.headLane?.unasked() ?? [];
    this.headLane?.drop();
    this.lane = lane;
    this.counts = true;
    void this.open();
    for (const bytes of early) lane.push(bytes);
  }

  // --- where its lane leads --------------------------------------------------------

  open(): Promise<void> {
    const { it, head, watchers } = this;
    if (head !== undefined && !this.headLeft) {
      const headers = [...it.heads.leaveResponse()];
      if (it.options.mutableBodies && (watchers?.members.length ?? 0) > 0) forgetBytes(headers);
      this.leave({ ...head, headers });
    }
    return Promise.resolve();
  }

  room(): Promise<void> | undefined {
    if (!this.counts || this.untaken <= MAX_UNTAKEN_BYTES) return undefined;
    return new Promise((resolve) => {
      this.waiter = resolve;
    });
  }

  pass(bytes: Buffer, came: number): void {
    this.owed += came;
    this.untaken += bytes.length;
    if (bytes.length > 0) this.answerOn(bytes);
    else this.consumed(0);
  }

  held(came: number): void {
    this.owner.grant(came);
  }

  end(trailers: FlatHeaders | undefined): void {
    this.owner.endAnswer(trailers);
  }

  idle(): void {
    // Nobody looks at the body: what waited with the head was the last that had to.
    if (!this.counts) this.lane = undefined;
  }

  answer(instead: Instead): void {
    this.owner.answer(instead);
  }

  fail(error: BerthError): void {
    this.owner.fail(error);
  }

  // -----------------------------------------------------------------------------------

  private answerOn(bytes: Buffer): void {
    this.sent += bytes.length;
    this.owner.answerOn(bytes);
  }

  private leave(head: ResponseHead): void {
    this.headLeft = true;
    this.status = head.status;
    this.owner.sendHead(head);
  }

  /** Never rejects. */
  private async judgeHead(head: ResponseHead): Promise<void> {
    const { correlationId, heads, panel } = this.it;
    const lane = this.headLane;
    try {
      const seesBody = (member: Member): boolean => this.hasBody && this.seesBody(member);
      const instead = await panel.ask(new ResponseHeadQuestion(head.status, heads, correlationId, seesBody));
      if (this.owner.isGone || lane === undefined) return;
      if (instead !== undefined) this.owner.answer(instead);
      else if (this.it.switchesToFrames(head)) this.owner.beginFrames();
      else this.beginBody(lane);
    } catch (thrown) {
      this.owner.fail(BerthError.from(thrown));
    }
  }

  private beginBody(lane: BodyLane): void {
    const { guards, heads } = this.it;
    const watchers = this.watching();
    const headers = heads.response ?? [];
    const isGuarded = guards.length > 0 && this.hasBody && mayBeOfModel(headers);
    this.watchers = watchers;
    this.counts = watchers.members.length > 0 || isGuarded;
    if (!isGuarded) {
      lane.begin(watchers, this);
      return;
    }
    const form = { side: 'response', codings: codingsOf(headers), stream: streamKindOf(headers) } as const;
    const gate = new GuardGate(this.it, form, guards, this);
    this.lane = new GatedLane(lane, gate);
    lane.begin(watchers, gate);
  }

  private get hasBody(): boolean {
    const { head, it } = this;
    if (head === undefined || head.status === 101) return false;
    return !isBodiless(it.request.openHead.method, head.status) && contentLengthOf(head.headers) !== 0;
  }

  private seesBody(member: Member): boolean {
    return member.wantsBody('responseBody', contentTypeOf(this.it.heads.response ?? []));
  }

  private watching(): Watchers {
    return {
      members: this.hasBody ? this.it.members.filter((member) => this.seesBody(member)) : [],
      total: contentLengthOf(this.head?.headers ?? []),
    };
  }
}
