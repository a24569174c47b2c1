import type { BerthError } from '@berth/errors';
import { ExchangeKind, type ExchangeRequest, type ResponseHead } from '@berth/exchange';
import { upgradeProtocols } from '@berth/http-rules';
import { Heads } from './heads.js';
import type { Instead } from './instead.js';
import type { Member } from './member.js';
import type { InspectionContext, InspectionOptions } from './options.js';
import { Panel } from './panel.js';

const WEBSOCKET = 'websocket';

/** What both sides of one exchange under inspection know of it. */
export class Case {
  readonly heads: Heads;
  readonly panel: Panel;
  readonly now: () => number;
  /** it may become a WebSocket, whose frames can be read */
  readonly isWebSocket: boolean;

  constructor(
    readonly correlationId: string,
    readonly request: ExchangeRequest,
    readonly members: readonly Member[],
    readonly options: InspectionOptions,
    readonly context: InspectionContext,
  ) {
    const { kind, headers } = request.openHead;
    this.heads = new Heads(headers);
    this.panel = new Panel(members, options, context, correlationId, request, this.heads);
    this.now = context.now ?? Date.now;
    this.isWebSocket = kind === ExchangeKind.upgrade && upgradeProtocols(headers).includes(WEBSOCKET);
  }

  /** Agents that look at what passes once it is a WebSocket. */
  get frameWatchers(): readonly Member[] {
    return this.isWebSocket ? this.members.filter((member) => member.supports('webSocketFrame')) : [];
  }

  /** Whether what follows a head is frames that agents look at: of several protocols a service takes the one that it likes. */
  switchesToFrames({ headers, status }: ResponseHead): boolean {
    return status === 101 && this.frameWatchers.length > 0 && upgradeProtocols(headers).includes(WEBSOCKET);
  }

  /** Bytes of a body that may be held for an agent. */
  mostHeldFor({ conversation: { limits } }: Member): number {
    return Math.min(this.options.maxHeldBytes, limits.maxBodySize);
  }

  /** Agents that are shown the texts of JSON bodies. */
  get guards(): readonly Member[] {
    return this.options.guardrails ? this.members.filter((member) => member.supports('guardrail')) : [];
  }
}

/** Who decides what becomes of the exchange. */
export interface CaseOwner {
  /** it is over, or answered: nothing more is to be done for it */
  readonly isGone: boolean;
  /** Answers in place of the service, or breaks off what has begun. */
  answer(instead: Instead): void;
  /** An agent that fails closed cannot judge. */
  fail(error: BerthError): void;
}
