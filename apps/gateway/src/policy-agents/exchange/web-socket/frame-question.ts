import { type AgentAnswer, type AskedEvent, type FrameDecision } from '@berth/policy-agents';
import type { Case } from '../case.js';
import type { Member } from '../member.js';
import type { Question } from '../panel.js';
import type { Message } from './messages.js';

/** Whether a message may pass. */
export class FrameQuestion implements Question {
  readonly side = 'request';
  decision: FrameDecision = { kind: 'allow' };

  /** @param frameIndex of its direction */
  constructor(
    private readonly it: Case,
    private readonly message: Message,
    private readonly clientToServer: boolean,
    private readonly frameIndex: number,
  ) {}

  eventFor(member: Member): AskedEvent | undefined {
    if (this.decision.kind !== 'allow' || !member.supports('webSocketFrame')) return undefined;
    const { clientToServer, frameIndex, it, message } = this;
    const { correlationId, request } = it;
    return {
      kind: 'webSocketFrame',
      correlationId,
      clientToServer,
      frameType: message.type,
      payload: message.payload,
      frameIndex,
      clientIp: request.clientAddress,
    };
  }

  isLastFor(): boolean {
    return true;
  }

  take(_member: Member, { frame }: AgentAnswer): string | undefined {
    if (frame === undefined || this.decision.kind !== 'allow') return undefined;
    if (frame.kind === 'close' && !isCloseCode(frame.code)) return 'a close with a code that no end may send';
    this.decision = frame;
    return undefined;
  }
}

/** Whether a close may be sent with this code (RFC 6455 section 7.4). */
function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code));
}
