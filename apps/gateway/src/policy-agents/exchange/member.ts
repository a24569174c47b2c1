import type { AskedEvent, Conversation, EventKind, Verdict } from '@berth/policy-agents';
import type { Inspector } from './options.js';

export type Side = 'request' | 'response';

/** One policy agent, as far as it is concerned with one exchange. */
export class Member {
  /** of the request and the answer: it has not decided yet, and more is to come */
  readonly needsMore: Record<Side, boolean> = { request: false, response: false };
  private asked = 0;

  constructor(
    readonly conversation: Conversation,
    private readonly inspector: Inspector,
  ) {}

  /** There are questions that it has not answered. */
  get isAsked(): boolean {
    return this.asked > 0;
  }

  supports(kind: EventKind): boolean {
    return this.conversation.supports(kind);
  }

  /** @param kind of body @param contentType as {@link Inspector.concernsBody} has it */
  wantsBody(kind: 'requestBody' | 'responseBody', contentType: string): boolean {
    return this.conversation.supports(kind) && this.inspector.concernsBody(contentType);
  }

  async ask(event: AskedEvent): Promise<Verdict> {
    this.asked += 1;
    try {
      return await this.conversation.ask(event);
    } finally {
      this.asked -= 1;
    }
  }
}
