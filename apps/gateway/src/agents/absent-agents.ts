import { messageOf } from '@berth/errors';
import { LimitedLog, type Log } from '@berth/observability';
import { type RecordStore, WriteBehind } from '@berth/state';
import type { LifecycleEvents, ServiceKinds } from '../lifecycle/index.js';
import {
  type AbsentAgent,
  agentOf,
  GATEWAY_CRASHED,
  GATEWAY_ENDED,
  isTime,
  type PresentAgent,
  valueOf,
} from './absent-agent.js';

const PREFIX = 'agents/';
/** Tells a gateway that starts until when the one before it was there, and whether it ended in order. */
const ALIVE = 'gateway/alive';

/**
 * Agents that were here and are not: until when, and why they left. Records of
 * the state, `agents/<agent id>`, with those that are here, so that a gateway
 * which starts again knows who has not come back.
 */
export class AbsentAgents {
  private readonly here = new Map<string, PresentAgent>();
  /** the one that left first comes first */
  private readonly away = new Map<string, AbsentAgent>();
  private readonly writes: WriteBehind;
  private closing = false;

  /**
   * @param options `rememberedAgents`: how many are kept; may change
   * @param now ms since the epoch
   */
  constructor(
    private readonly store: RecordStore,
    events: LifecycleEvents,
    private readonly options: { readonly rememberedAgents: number },
    private readonly log: Log,
    private readonly now: () => number = Date.now,
  ) {
    const limited = new LimitedLog(log);
    this.writes = new WriteBehind(store, (thrown, agents) => {
      const fields = { agents, reason: messageOf(thrown) };
      limited.error(fields, 'who is here and who has left cannot be written (state.file)');
    });
    events.on('agent.connected', ({ agentId, ...agent }) => {
      this.came({ agentId, connectedAt: this.now(), ...agent });
    });
    events.on('agent.disconnected', ({ agentId, services, lastSeen, reason }) => {
      this.left(agentId, services, { lastSeen, leftAt: this.now(), reason });
    });
  }

  /** @throws BerthError `BERTH_STATE_UNUSABLE` */
  async load(): Promise<this> {
    const { at, ended } = ((await this.store.get(ALIVE))?.value ?? {}) as Readonly<Record<string, unknown>>;
    const known: AbsentAgent[] = [];
    for (const { key, value } of await this.store.list(PREFIX)) {
      const agent = agentOf(key.slice(PREFIX.length), value);
      if (agent === undefined) {
        this.log.warn({ key }, 'an agent in the state cannot be understood and is passed over (state.file)');
      } else if ('leftAt' in agent) {
        known.push(agent);
      } else {
        const lastSeen = isTime(at) ? Math.max(at, agent.connectedAt) : agent.connectedAt;
        const absent = {
          ...agent,
          lastSeen,
          leftAt: lastSeen,
          reason: ended === true ? GATEWAY_ENDED : GATEWAY_CRASHED,
        };
        known.push(absent);
        this.writes.change(key, valueOf(absent));
      }
    }
    for (const agent of known.sort((a, b) => a.leftAt - b.leftAt)) this.away.set(agent.agentId, agent);
    this.forgetMost();
    this.alive();
    return this;
  }

  get(agentId: string): AbsentAgent | undefined {
    return this.away.get(agentId);
  }

  /** The one that left first comes first. */
  list(): AbsentAgent[] {
    return [...this.away.values()];
  }

  /** @returns whether it was known */
  forget(agentId: string): boolean {
    if (!this.away.delete(agentId)) return false;
    this.writes.change(PREFIX + agentId, undefined);
    return true;
  }

  /** To be called now and then: whoever is here now was here until this moment, should the gateway crash. */
  alive(): void {
    this.forgetMost();
    if (this.options.rememberedAgents > 0) this.writes.change(ALIVE, { at: this.now(), ended: false });
  }

  /** The gateway shuts down: who goes from here on goes because of that. */
  shutDown(): void {
    this.closing = true;
  }

  /** Writes what is left, and nothing more after that. */
  async close(): Promise<void> {
    this.closing = true;
    if (this.here.size > 0) this.writes.change(ALIVE, { at: this.now(), ended: true });
    try {
      await this.writes.close();
    } catch (thrown) {
      const fields = { agents: this.writes.waiting, reason: messageOf(thrown) };
      this.log.error(fields, 'who was here could not be written (state.file)');
    }
  }

  private came(agent: PresentAgent): void {
    const { agentId } = agent;
    if (this.closing) return;
    this.away.delete(agentId);
    this.here.set(agentId, agent);
    if (this.options.rememberedAgents > 0) this.writes.change(PREFIX + agentId, valueOf(agent));
  }

  private left(
    agentId: string,
    services: ServiceKinds,
    how: Pick<AbsentAgent, 'lastSeen' | 'leftAt' | 'reason'>,
  ): void {
    const agent = this.here.get(agentId);
    if (agent === undefined || this.closing) return;
    this.here.delete(agentId);
    // A service whose server failed has gone before its agent.
    const absent = { ...agent, services: { ...agent.services, ...services }, ...how };
    this.away.set(agentId, absent);
    this.writes.change(PREFIX + agentId, valueOf(absent));
    this.forgetMost();
  }

  private forgetMost(): void {
    for (const [agentId] of this.away) {
      if (this.away.size <= this.options.rememberedAgents) return;
      this.forget(agentId);
    }
  }
}
