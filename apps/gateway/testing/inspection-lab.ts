import { BerthError } from '@berth/errors';
import type { Dispatch, OpenHead } from '@berth/exchange';
import { LimitedLog, silentLog } from '@berth/observability';
import {
  type AgentAnswer,
  type AgentLimits,
  allowed,
  type AskedEvent,
  type CancelReason,
  type Conversation,
  correlationOf,
  type EventKind,
  type Judge,
  LIMIT_DEFAULTS,
  type RequestCompleteEvent,
  type Verdict,
} from '@berth/policy-agents';
import { FakeClient, FakePool, fakeRequest } from '../../../libs/exchange/testing/fake-dispatch.js';
import {
  HeldBytes,
  inspection,
  type InspectionOptions,
  type Inspector,
  type JudgedEvent,
} from '../src/policy-agents/exchange/index.js';

/** What a fake agent says; what is left out is as in an answer that allows. */
export type Said = Partial<AgentAnswer> | undefined;
type Replies = (event: AskedEvent) => Said | Promise<Said>;

/** A policy agent that a test plays. */
export class FakeJudge implements Judge, Inspector {
  readonly asked: AskedEvent[] = [];
  /** what it was told besides, in order */
  readonly told: string[] = [];
  readonly completes: RequestCompleteEvent[] = [];
  limits: AgentLimits = LIMIT_DEFAULTS;
  failsOpen = false;
  concerned = true;
  bodyTypes: string[] | undefined;

  constructor(
    readonly kinds: readonly EventKind[],
    public replies: Replies = () => undefined,
    readonly name = 'waf',
  ) {}

  get judge(): Judge {
    return this;
  }

  concerns(): boolean {
    return this.concerned;
  }

  concernsBody(type: string): boolean {
    return this.bodyTypes?.includes(type) ?? true;
  }

  /** what it was asked, in short: kind, bytes, and whether it is the last */
  get seen(): string[] {
    return this.asked.map((event) => {
      if (event.kind === 'requestBody' || event.kind === 'responseBody')
        return `${event.kind} ${event.chunkIndex} ${String(event.data)}${event.isLast ? ' last' : ''}`;
      if (event.kind === 'guardrail') return `${event.contentType} ${event.content}`;
      return event.kind;
    });
  }

  begin(): Conversation {
    return new FakeConversation(this);
  }
}

class FakeConversation implements Conversation {
  private turn: Promise<unknown> = Promise.resolve();
  private over = false;
  private readonly ended = Promise.withResolvers<never>();

  constructor(private readonly agent: FakeJudge) {
    this.ended.promise.catch(() => undefined);
  }

  get agentName(): string {
    return this.agent.name;
  }

  get limits(): AgentLimits {
    return this.agent.limits;
  }

  get failsOpen(): boolean {
    return this.agent.failsOpen;
  }

  supports(kind: EventKind): boolean {
    return this.agent.kinds.includes(kind);
  }

  async ask(event: AskedEvent): Promise<Verdict> {
    const before = this.turn;
    const asked = before.then(async () => {
      if (this.over) throw new BerthError('BERTH_CONNECTION_CLOSED', 'over');
      this.agent.asked.push(event);
      const said = await Promise.race([this.agent.replies(event), this.ended.promise]);
      return { answer: { ...allowed(correlationOf(event)), ...said }, skipped: false };
    });
    this.turn = asked.catch(() => undefined);
    return asked;
  }

  misjudged(why: string): void {
    this.agent.told.push(`misjudged ${why}`);
  }

  unseen(kind: AskedEvent['kind']): void {
    this.agent.told.push(`unseen ${kind}`);
  }

  cancel(reason: CancelReason, blockingAgentId?: string): void {
    if (this.over) return;
    this.stop();
    this.agent.told.push(['cancel', reason, ...(blockingAgentId === undefined ? [] : [blockingAgentId])].join(' '));
  }

  end(complete: RequestCompleteEvent): void {
    if (this.over) return;
    this.stop();
    this.agent.told.push(`end ${complete.status}`);
    this.agent.completes.push(complete);
  }

  private stop(): void {
    this.over = true;
    this.ended.reject(new BerthError('BERTH_CONNECTION_CLOSED', 'over'));
  }
}

/** A block as agents say it. */
export function block(status = 403, body?: string): Said {
  return { decision: { kind: 'block', status, body, headers: [] } };
}

/** Says that it wants to see more until it has seen this many bytes of a body, or its end. */
export function undecided(until: number, then?: Said) {
  let seen = 0;
  return (event: AskedEvent): Said => {
    if (event.kind === 'requestBody' || event.kind === 'responseBody') {
      seen += event.data.length;
      if (seen >= until || event.isLast) return then;
    }
    return { needsMore: true };
  };
}

/** One gate in a reply: it waits until the test opens it. */
export function gate(): { wait: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { wait: promise, open: () => resolve(undefined) };
}

/** Policy agents before a fake pool and a fake client. @param innermost in place of the pool */
export function inspectionLab(
  inspectors: readonly FakeJudge[],
  over: Partial<InspectionOptions> = {},
  innermost?: Dispatch,
) {
  const judged: JudgedEvent[] = [];
  const held = new HeldBytes(1_000_000);
  const options: InspectionOptions = {
    inspectors,
    mode: 'sequence',
    mutableBodies: false,
    guardrails: false,
    maxHeldBytes: 100_000,
    held,
    ...over,
  };
  const context = {
    key: 'a1',
    limitedLog: new LimitedLog(silentLog),
    judged: (event: JudgedEvent) => void judged.push(event),
    now: () => 1000,
  };
  const pool = new FakePool();
  const client = new FakeClient();
  const dispatch = inspection(options, context)?.(innermost ?? pool.dispatch) ?? pool.dispatch;
  const begin = (head: Partial<OpenHead> = {}, by: FakeClient = client): void => {
    dispatch(fakeRequest(head), by);
  };
  return { begin, client, dispatch, held: options.held, judged, pool };
}
