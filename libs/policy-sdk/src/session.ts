import { BerthError, messageOf } from '@berth/errors';
import {
  type AgentAnswer,
  type AgentReport,
  allowed,
  type ConfigUpdateReply,
  type ConfigureEvent,
  type LinkReceiver,
  type Pong,
  type ProxyLink,
  type ProxyMessage,
  type TooLarge,
} from '@berth/policy-agents';
import type { ConnectionJudge } from './judge.js';

/** Answers that may wait for a proxy that does not read them. */
const MAX_UNREAD = 10_000;

/** What a session tells its agent. */
export interface SessionEvents {
  /** @throws what is wrong with it */
  configure(event: ConfigureEvent): Promise<void>;
  configReply(reply: ConfigUpdateReply): void;
  ended(session: Session, error: BerthError | undefined): void;
}

/** One connection to a gateway from its handshake to its end, or one call. */
export class Session implements LinkReceiver<ProxyMessage> {
  /** resolves at its end */
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;
  #unread = 0;
  #full = false;
  #fault: BerthError | undefined;

  /** @param judge of this connection alone, or of all calls */
  constructor(
    readonly link: ProxyLink,
    private readonly judge: ConnectionJudge<never>,
    private readonly events: SessionEvents,
  ) {
    this.ended = new Promise((resolve) => (this.#end = resolve));
    link.receiver = this;
  }

  /** Reports are left out while the other side does not read. @returns whether it was sent */
  report(report: AgentReport | Pong): boolean {
    if (this.#full) return false;
    this.#full = !this.link.send(report);
    return true;
  }

  sweep(): void {
    this.judge.sweep();
  }

  message(message: ProxyMessage): void {
    switch (message.kind) {
      case 'cancel':
        this.judge.cancel(message.correlationId, message.reason);
        return;
      case 'ping':
        this.report({
          kind: 'pong',
          sequence: message.sequence,
          pingTimestampMs: message.timestampMs,
          timestampMs: Date.now(),
        });
        return;
      case 'configure':
        void this.#configure(message);
        return;
      case 'configUpdateReply':
        this.events.configReply(message);
        return;
      case 'shutdown':
        // Its connections end by themselves.
        return;
      default:
        this.judge.ask({ event: message, reply: this.#reply, isCall: this.link.isCall });
    }
  }

  drained(): void {
    this.#full = false;
    this.#unread = 0;
  }

  closed(error: BerthError | undefined): void {
    // An exchange goes on behind the call for one of its events.
    if (this.link.isCall !== true) this.judge.lose();
    this.events.ended(this, error ?? this.#fault);
    this.#end();
  }

  async #configure(event: ConfigureEvent): Promise<void> {
    let wrong: string | undefined;
    try {
      await this.events.configure(event);
    } catch (thrown) {
      wrong = messageOf(thrown);
    }
    const { correlationId } = event;
    if (correlationId !== undefined) {
      const taken = allowed(correlationId);
      this.#reply(
        wrong === undefined ? taken : { ...taken, decision: { kind: 'block', status: 500, body: wrong, headers: [] } },
      );
    } else if (wrong !== undefined) {
      this.report({
        kind: 'configUpdate',
        requestId: `refused-${event.version ?? event.timestampMs}`,
        timestampMs: Date.now(),
        change: { kind: 'error', error: wrong },
      });
    }
  }

  readonly #reply = (answer: AgentAnswer, tooLarge?: TooLarge): void => {
    if (!this.link.send(answer, tooLarge)) this.#full = true;
    if (!this.#full) return;
    this.#unread += 1;
    if (this.#unread > MAX_UNREAD) {
      this.#fault = new BerthError('BERTH_CONNECTION_CLOSED', 'it asks and reads no answers');
      this.link.close(this.#fault);
    }
  };
}
