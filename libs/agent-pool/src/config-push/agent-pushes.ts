import { messageOf } from '@berth/errors';
import { type ConfigPush, type Delivery, type PushCarrier } from './config-push.js';
import { PushRoom, type WaitsForRoom } from './push-room.js';

export interface PushOptions {
  /** for the answer to a push, and for a replica that is away to come back, ms */
  ackTimeoutMs: number;
  /** how often a push is sent to a replica at the most */
  tries: number;
  /** between two tries, ms */
  retryMs: number;
  /** that wait or are under way, per agent */
  maxPendingPerAgent: number;
  /** that are over and still listed, per agent */
  history: number;
  /** how `ackTimeoutMs` is called where it is set, for messages */
  ackSetting?: string | undefined;
}

/** What the owner of pushes is told: each delivery once, when it is over. */
export type Settled = (push: ConfigPush, delivery: Delivery) => void;

/**
 * The pushes of one agent. A replica gets them one after the other, in their
 * order: the next when the last is over, so that an older configuration never
 * follows a newer one, and none waits in the buffers of a connection.
 */
export class AgentPushes implements WaitsForRoom {
  /** from old to new; those that are over are forgotten in time */
  list: readonly ConfigPush[] = [];
  private readonly targets = new Map<string, PushCarrier>();
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /**
   * @param now monotonic ms
   * @param room that it shares with other agents
   */
  constructor(
    private readonly options: PushOptions,
    private readonly now: () => number,
    private readonly settled: Settled,
    private readonly room = new PushRoom(),
  ) {}

  get pending(): number {
    return this.list.filter(({ open }) => open).length;
  }

  /** Whether there is a connection that takes pushes. */
  get reachable(): boolean {
    return this.targets.size > 0;
  }

  add(push: ConfigPush): void {
    for (const { origin } of this.targets.values()) push.add(origin.instanceId);
    this.list = [...this.list, push];
    this.step();
  }

  /** A connection has come that takes pushes: its replica gets what is not over. */
  connected(target: PushCarrier): void {
    this.targets.set(target.id, target);
    const { instanceId } = target.origin;
    for (const push of this.list) {
      if (!push.open) continue;
      const delivery = push.deliveries.get(instanceId);
      if (delivery === undefined) push.add(instanceId);
      else delivery.absentSince = undefined;
    }
    this.step();
  }

  disconnected(connectionId: string): void {
    const target = this.targets.get(connectionId);
    if (target === undefined) return;
    this.targets.delete(connectionId);
    const { instanceId } = target.origin;
    const now = this.now();
    const isAway = this.targetOf(instanceId) === undefined;
    for (const push of this.list) {
      const delivery = push.deliveries.get(instanceId);
      if (delivery?.open !== true) continue;
      if (isAway) delivery.absentSince = now;
      if (delivery.state !== 'sent' || delivery.carrierId !== connectionId) continue;
      delivery.state = 'pending';
      this.room.give(push.bytes);
      if (delivery.tries >= this.options.tries) {
        this.settle(push, delivery, 'failed', `its connection was lost before the answer, ${delivery.tries} times`);
      }
    }
    this.step();
  }

  /** @returns false when nothing waits for this answer */
  answered(replicaId: string, pushId: string, accepted: boolean, error: string): boolean {
    const push = this.list.find(({ id }) => id === pushId);
    const delivery = push?.deliveries.get(replicaId);
    // Over whatever connection: the one that carried the push may have gone since.
    if (push === undefined || delivery?.open !== true || delivery.tries === 0) return false;
    if (accepted) this.settle(push, delivery, 'acknowledged');
    else this.settle(push, delivery, 'failed', error === '' ? 'the agent refused it' : error);
    this.step();
    return true;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.room.forget(this);
  }

  /** Ends what is late, sends what is due, and waits for what comes next. */
  step(): void {
    if (this.stopped) return;
    const now = this.now();
    const busy = new Set<string>();
    let next = Infinity;
    for (const push of this.list) {
      for (const delivery of push.deliveries.values()) {
        if (delivery.open) this.judge(push, delivery, now);
        if (delivery.open && !busy.has(delivery.replicaId)) this.send(push, delivery, now);
        if (!delivery.open) continue;
        next = Math.min(next, this.dueAt(delivery, busy.has(delivery.replicaId), now));
        busy.add(delivery.replicaId);
      }
    }
    this.trim();
    clearTimeout(this.timer);
    if (next === Infinity) return;
    this.timer = setTimeout(
      () => {
        this.step();
      },
      Math.max(1, Math.ceil(next - now)),
    );
    this.timer.unref();
  }

  private judge(push: ConfigPush, delivery: Delivery, now: number): void {
    const { ackTimeoutMs, ackSetting = 'configPush.ackTimeoutMs' } = this.options;
    if (delivery.state === 'sent' && now >= delivery.sentAt + ackTimeoutMs) {
      this.settle(push, delivery, 'expired', `no answer within ${ackTimeoutMs} ms (${ackSetting})`);
    } else if (delivery.absentSince !== undefined && now >= delivery.absentSince + ackTimeoutMs) {
      delivery.gone = true;
      this.settle(push, delivery, 'expired', `the replica was away for ${ackTimeoutMs} ms (${ackSetting})`);
    }
  }

  private send(push: ConfigPush, delivery: Delivery, now: number): void {
    if (delivery.state !== 'pending' || now < delivery.sentAt + this.options.retryMs) return;
    const target = this.targetOf(delivery.replicaId);
    if (target === undefined || !this.room.take(push.bytes, this)) return;
    delivery.tries += 1;
    delivery.sentAt = now;
    delivery.carrierId = target.id;
    try {
      target.pushConfig({ pushId: push.id, configJson: push.configJson });
      delivery.state = 'sent';
    } catch (thrown) {
      this.room.give(push.bytes);
      if (delivery.tries >= this.options.tries) this.settle(push, delivery, 'failed', messageOf(thrown));
    }
  }

  /** @param behind another push goes to this replica first */
  private dueAt({ state, sentAt, absentSince }: Delivery, behind: boolean, now: number): number {
    const { ackTimeoutMs, retryMs } = this.options;
    if (state === 'sent') return sentAt + ackTimeoutMs;
    if (absentSince !== undefined) return absentSince + ackTimeoutMs;
    // What is due and still there has found no room, of which it will be told.
    return behind || sentAt + retryMs <= now ? Infinity : sentAt + retryMs;
  }

  /** One on which the agent has said that it leaves is the last choice. */
  private targetOf(replicaId: string): PushCarrier | undefined {
    let found: PushCarrier | undefined;
    for (const target of this.targets.values()) {
      if (target.origin.instanceId !== replicaId) continue;
      if (!target.leaving) return target;
      found ??= target;
    }
    return found;
  }

  private settle(
    push: ConfigPush,
    delivery: Delivery,
    state: 'acknowledged' | 'failed' | 'expired',
    error?: string,
  ): void {
    if (delivery.state === 'sent') this.room.give(push.bytes);
    delivery.settle(state, error);
    if (!push.open) push.forgetJson();
    this.settled(push, delivery);
  }

  private trim(): void {
    let surplus = this.list.length - this.pending - this.options.history;
    if (surplus > 0) this.list = this.list.filter(({ open }) => open || (surplus -= 1) < 0);
  }
}
