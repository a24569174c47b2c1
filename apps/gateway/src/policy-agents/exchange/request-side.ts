import type { BerthError } from '@berth/errors';
import { ExchangeKind, type FlatHeaders } from '@berth/exchange';
import { expectsContinue, forgetBytes, removeHeader } from '@berth/http-rules';
import { askForPlainAnswer, codingsOf, contentLengthOf, contentTypeOf } from './body-heads.js';
import { BodyLane, type Watchers } from './body-lane.js';
import type { Case, CaseOwner } from './case.js';
import { GatedLane, GuardGate } from './guard-gate.js';
import { RequestHeadQuestion } from './head-questions.js';
import type { Instead } from './instead.js';
import type { Lane, Outlet } from './lane.js';
import type { Member } from './member.js';
import { plainOffers } from './web-socket/offers.js';

/** What the request's side needs of its exchange. */
export interface RequestOwner extends CaseOwner {
  sendOn(bytes: Buffer): boolean;
  endOn(trailers: FlatHeaders | undefined): void;
  /** Lets the client send its body though there is no exchange yet. @param asks it waits for being asked to */
  openEarly(asks: boolean): void;
  /** Ends when the exchange is there. */
  openNext(headers: FlatHeaders): Promise<void>;
  /** the client may send more */
  resume(): void;
}

/** A request on its way past the agents: its head, and its body where an agent wants to see that. */
export class RequestSide implements Outlet {
  /** undefined: bytes go straight through */
  lane: Lane | undefined;
  /** bytes of the body that have come */
  received = 0;
  /** the client was told to stop */
  private stalled = false;
  /** the exchange has no room */
  private blocked = false;
  private waiter: (() => void) | undefined;
  private opening: Promise<void> | undefined;
  private watchers: Watchers | undefined;
  /** its client has been asked for the body */
  hasContinued = false;

  constructor(
    private readonly it: Case,
    private readonly owner: RequestOwner,
  ) {}

  /** Asks about the head. @returns the answer in place of the service's */
  judgeHead(): Promise<Instead | undefined> {
    const { context, correlationId, heads, now, panel, request } = this.it;
    const seesBody = (member: Member): boolean => this.hasBody && this.seesBody(member);
    return panel.ask(new RequestHeadQuestion(request, heads, correlationId, context.key, seesBody, now()));
  }

  /** The head has its answers. */
  begin(): void {
    const { it, owner } = this;
    const watchers = this.hasBody ? this.watching() : undefined;
    if (watchers === undefined) {
      void this.open();
      return;
    }
    const { guards, request } = it;
    const lane = new BodyLane(it, 'requestBody');
    // Whatever its head says it is: services read JSON under any type, and what it is shows where it begins.
    const form = { side: 'request', codings: codingsOf(request.openHead.headers), stream: undefined } as const;
    const gate = guards.length > 0 ? new GuardGate(it, form, guards, this) : undefined;
    this.lane = gate === undefined ? lane : new GatedLane(lane, gate);
    this.watchers = watchers;
    if (gate !== undefined || watchers.members.some(({ needsMore }) => needsMore.request)) {
      this.hasContinued = expectsContinue(request.openHead.headers);
      owner.openEarly(this.hasContinued);
    } else void this.open();
    lane.begin(watchers, gate ?? this);
  }

  push(bytes: Buffer): boolean {
    const { lane, owner } = this;
    this.received += bytes.length;
    if (lane === undefined) return owner.sendOn(bytes);
    this.stalled = true;
    lane.push(bytes);
    return !this.stalled;
  }

  pushEnd(trailers: FlatHeaders | undefined): void {
    if (this.lane === undefined) this.owner.endOn(trailers);
    else this.lane.end(trailers);
  }

  /** The exchange has room again. */
  writable(): void {
    this.blocked = false;
    const { lane, owner, waiter } = this;
    this.waiter = undefined;
    if (waiter !== undefined) waiter();
    else if (lane === undefined) owner.resume();
    else this.idle();
  }

  /** An answer goes in place of the service's: the rest is read to nowhere. */
  drain(): void {
    if (this.stalled) this.owner.resume();
    this.stalled = false;
  }

  // --- where its lane leads --------------------------------------------------------

  open(): Promise<void> {
    return (this.opening ??= this.owner.openNext(this.finalHeaders()));
  }

  room(): Promise<void> | undefined {
    if (!this.blocked) return undefined;
    return new Promise((resolve) => {
      this.waiter = resolve;
    });
  }

  pass(bytes: Buffer): void {
    if (bytes.length > 0) this.blocked = !this.owner.sendOn(bytes);
  }

  held(): void {
    // The client goes on as soon as all that came is held.
  }

  end(trailers: FlatHeaders | undefined): void {
    this.owner.endOn(trailers);
  }

  idle(): void {
    if (!this.stalled || this.blocked) return;
    this.stalled = false;
    this.owner.resume();
  }

  answer(instead: Instead): void {
    this.owner.answer(instead);
  }

  fail(error: BerthError): void {
    this.owner.fail(error);
  }

  // -----------------------------------------------------------------------------------

  private get hasBody(): boolean {
    const { body, kind } = this.it.request.openHead;
    return kind === ExchangeKind.http && body;
  }

  private seesBody(member: Member): boolean {
    return member.wantsBody('requestBody', contentTypeOf(this.it.heads.request ?? []));
  }

  private watching(): Watchers | undefined {
    const { guards, members: all, request } = this.it;
    const members = all.filter((member) => this.seesBody(member));
    if (members.length === 0 && guards.length === 0) return undefined;
    return { members, total: contentLengthOf(request.openHead.headers) };
  }

  private finalHeaders(): FlatHeaders {
    const { frameWatchers, guards, heads, members, options } = this.it;
    const headers = [...heads.leaveRequest()];
    if (options.mutableBodies && (this.watchers?.members.length ?? 0) > 0) forgetBytes(headers);
    if (this.hasContinued) removeHeader(headers, 'expect');
    const changesAnswer = options.mutableBodies && members.some((member) => member.supports('responseBody'));
    if (changesAnswer || guards.length > 0) askForPlainAnswer(headers);
    return frameWatchers.length > 0 ? plainOffers(headers) : headers;
  }
}
