import {
  type ConnectionOptions,
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { steadyNow } from '../runtime/clock.js';
import { Deadlines, type Expiring } from '../runtime/deadlines.js';
import type { Link } from './link.js';

interface Question extends Expiring {
  readonly number: string;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: Error) => void;
}

/** Questions over one connection: one subscription and one timer for all, where `request()` has a timer for each. */
export class Inbox {
  private readonly prefix: string;
  private readonly questions = new Map<string, Question>();
  private readonly deadlines = new Deadlines<Question>((question) => this.fail(question, 'no answer'));
  private readonly subscription: Subscription;
  private asked = 0;

  constructor(private readonly link: Link) {
    const { connection } = link;
    this.prefix = `${createInbox(inboxPrefixOf(connection))}.`;
    this.subscription = connection.subscribe(`${this.prefix}*`, {
      callback: (error, answer) => {
        // This account may not hear it: there is no message.
        if (error !== null) return;
        const question = this.questions.get(answer.subject.slice(this.prefix.length));
        if (question === undefined) return;
        this.end(question);
        question.resolve(answer);
      },
    });
    link.breaks.add(() => {
      for (const question of this.questions.values()) this.fail(question, link.reason ?? 'the connection was lost');
    });
  }

  /**
   * @param timeoutMs 1..
   * @throws Error there is no answer by then, or the connection broke
   */
  ask(subject: string, data: Uint8Array | string, timeoutMs: number, headers?: MsgHdrs): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const number = (this.asked += 1).toString(36);
      const reply = this.prefix + number;
      this.link.connection.publish(subject, data, headers === undefined ? { reply } : { reply, headers });
      const question = { number, heapIndex: -1, deadline: steadyNow() + timeoutMs, resolve, reject };
      this.questions.set(number, question);
      this.deadlines.add(question);
    });
  }

  /** Nothing that was asked is answered any more. */
  close(): void {
    this.subscription.unsubscribe();
    this.questions.clear();
    this.deadlines.close();
  }

  private end(question: Question): void {
    this.questions.delete(question.number);
    this.deadlines.remove(question);
  }

  private fail(question: Question, why: string): void {
    this.end(question);
    question.reject(new Error(why));
  }
}

/** Accounts may allow no other inboxes. A connection knows its options, and its type does not say so. */
function inboxPrefixOf(connection: NatsConnection): string | undefined {
  return (connection as { readonly options?: ConnectionOptions }).options?.inboxPrefix;
}
