import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { type LifecycleEventName, LifecycleEvents } from 'berth-gateway';

/** One line of the list. */
export interface Recent {
  at: string;
  event: LifecycleEventName;
  data: unknown;
}

/** Where a webhook would be called; `fetch` in life. */
export const POST_EVENT = Symbol('POST_EVENT');
export type PostEvent = (event: Recent) => Promise<void>;

const EVENTS = ['agent.connected', 'agent.disconnected', 'registration.refused'] as const;
const KEPT = 100;

/** Keeps the newest events of agents, and tells a webhook of each. */
@Injectable()
export class RecentEvents implements OnModuleDestroy {
  readonly list: Recent[] = [];
  private readonly offs: (() => void)[];

  constructor(
    @Inject(LifecycleEvents) events: LifecycleEvents,
    @Inject(POST_EVENT) private readonly post: PostEvent,
  ) {
    this.offs = EVENTS.map((name) => events.on(name, (data) => this.keep(name, data)));
  }

  onModuleDestroy(): void {
    for (const off of this.offs) off();
  }

  /** What is thrown here is logged by the gateway and disturbs nobody. */
  private async keep(event: LifecycleEventName, data: unknown): Promise<void> {
    const recent: Recent = { at: new Date().toISOString(), event, data };
    this.list.push(recent);
    if (this.list.length > KEPT) this.list.shift();
    await this.post(recent);
  }
}
