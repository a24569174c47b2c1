import { randomBytes } from 'node:crypto';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { Link } from '../../nats/link.js';
import type { Carrier, CarrierEvents } from '../engine/carrier.js';
import { subjectOf } from './subject.js';

const NO_RESPONDERS = 503;
/** A server ends connections over longer lines than its `max_control_line`, 4096. */
const MAX_SUBJECT_LENGTH = 3_000;

/**
 * Core NATS as a carrier. Subjects, all behind the prefix:
 * - `members`, what processes say of themselves; `who`, a question of one that has just come
 * - `to.{member}.{key}`, see {@link subjectOf}: a call; `to.{member}`: all else for that process
 * - `to.{member}.none.{tag}`, where the broker says that it has nobody for a message
 */
export class NatsCarrier implements Carrier {
  readonly id = randomBytes(12).toString('base64url');
  readonly maxBytesName = 'max_payload of the NATS server';
  private events: CarrierEvents | undefined;
  private readonly link: Link;
  private readonly subscriptions: Subscription[] = [];

  /** @param connection this carrier's to close if `owned` */
  constructor(
    private readonly connection: NatsConnection,
    private readonly prefix: string,
    private readonly owned: boolean,
  ) {
    this.link = new Link(connection, (state) => {
      if (state === 'up') this.events?.up();
      else this.events?.down(this.link.reason ?? '');
    });
  }

  /** What the broker takes, all of it. */
  get maxBytes(): number {
    return this.link.maxBytes;
  }

  async open(events: CarrierEvents, question: Uint8Array): Promise<boolean> {
    this.events = events;
    const { connection, prefix, id } = this;
    let alone = false;
    const none = `${prefix}.to.${id}.none.`;
    const received = (msg: Msg): void => {
      if (msg.data.length > 0) events.received(msg.data);
      else if (msg.headers?.code === NO_RESPONDERS && msg.subject.startsWith(none)) {
        const tag = msg.subject.slice(none.length);
        if (tag === 'who') alone = true;
        else events.unreached(tag);
      }
    };
    const listen = (subject: string, hear: (msg: Msg) => void): void => {
      // With an error, that it may not be heard, there is no message.
      const callback = (error: Error | null, msg: Msg): void => (error === null ? hear(msg) : undefined);
      this.subscriptions.push(connection.subscribe(subject, { callback }));
    };
    listen(`${prefix}.members`, ({ data }) => events.received(data));
    listen(`${prefix}.to.${id}`, received);
    listen(`${prefix}.to.${id}.>`, received);
    // Those who ask at once hear each other's announcements: they listen for these already.
    connection.publish(`${prefix}.who`, question, { reply: `${none}who` });
    await this.flush();
    listen(`${prefix}.who`, ({ data }) => events.received(data));
    return !alone;
  }

  announce(bytes: Uint8Array): void {
    if (!this.connection.isClosed()) this.connection.publish(`${this.prefix}.members`, bytes);
  }

  send(to: string, bytes: Uint8Array, key?: string, tag?: string): void {
    if (this.connection.isClosed()) return;
    const { prefix, id, connection } = this;
    const subject = key === undefined ? '' : `.${subjectOf(key)}`;
    // The key stands in the message too.
    const address = `${prefix}.to.${to}${subject.length > MAX_SUBJECT_LENGTH ? '' : subject}`;
    if (key === undefined) connection.publish(address, bytes);
    else connection.publish(address, bytes, { reply: `${prefix}.to.${id}.none.${tag ?? ''}` });
  }

  async flush(): Promise<void> {
    if (!this.connection.isClosed()) await this.connection.flush().catch(() => undefined);
  }

  health(): { readonly state: 'up' | 'down'; readonly reason?: string | undefined } {
    const { state, reason } = this.link;
    return state === 'up' ? { state } : { state, reason };
  }

  async close(): Promise<void> {
    const { connection } = this;
    this.events = undefined;
    if (connection.isClosed()) return;
    for (const subscription of this.subscriptions) subscription.unsubscribe();
    // A broker that is away is not waited for.
    if (this.link.state === 'up')
      await Promise.race([this.flush(), new Promise((end) => setTimeout(end, 1000).unref())]);
    this.link.close();
    if (this.owned) await connection.close();
  }
}
