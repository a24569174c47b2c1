import type { AskedEvent, GuardrailContent } from '@berth/policy-agents';
import type { Case } from './case.js';
import type { Instead } from './instead.js';
import type { Member, Side } from './member.js';
import type { Question } from './panel.js';

/** One text for or of a language model. */
export interface GuardrailText {
  readonly content: string;
  readonly contentType: GuardrailContent;
  readonly model: string | undefined;
  /** such as user; empty: not known */
  readonly role: string;
}

class TextQuestion implements Question {
  constructor(
    readonly side: Side,
    private readonly guards: readonly Member[],
    private readonly event: AskedEvent,
  ) {}

  eventFor(member: Member): AskedEvent | undefined {
    return this.guards.includes(member) ? this.event : undefined;
  }

  isLastFor(): boolean {
    return true;
  }
}

/** Asks about texts one after the other. @returns the first answer in place of the service's */
export async function askAboutTexts(
  { correlationId, panel }: Case,
  side: Side,
  guards: readonly Member[],
  texts: readonly GuardrailText[],
): Promise<Instead | undefined> {
  for (const { content, contentType, model, role } of texts) {
    const contextJson = JSON.stringify(role === '' ? {} : { role });
    const event = { kind: 'guardrail', correlationId, content, contentType, model, contextJson } as const;
    const instead = await panel.ask(new TextQuestion(side, guards, event));
    if (instead !== undefined) return instead;
  }
  return undefined;
}
