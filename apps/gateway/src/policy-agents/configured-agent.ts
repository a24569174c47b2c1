import type { OpenHead } from '@berth/exchange';
import { LimitedLog, type Log } from '@berth/observability';
import type { AgentLink, Conversation, Judge, ManagedAgent } from '@berth/policy-agents';
import type { LifecycleEvents } from '../lifecycle/index.js';
import { ReportedMetrics } from '../reported-metrics/index.js';
import { AgentObserver } from './agent-observer.js';
import type { AgentSettings } from './agent-schema.js';
import { AgentStats, saidOf } from './agent-stats.js';
import { added, NO_TOTALS, type Totals } from './agent-totals.js';
import { ConfigUpdates } from './config-updates.js';
import type { JudgedEvent } from './exchange/index.js';
import { Filter } from './filters.js';
import { missingAgent } from './missing-agent.js';

/** An agent, and when it has been reached or cannot be; never rejects. */
export interface MadeAgent {
  readonly agent: ManagedAgent;
  readonly ready: Promise<void>;
}

/** Makes the agent behind a name, and begins to reach it. */
export type AgentMaker = (name: string, settings: AgentSettings, observer: AgentObserver) => MadeAgent;

/** What agents are made with. */
export interface AgentSurroundings {
  readonly make: AgentMaker;
  /** looks the settings of the gateway up again; throws why it cannot be done */
  readonly reload: () => void;
  readonly events: LifecycleEvents;
  readonly log: Log;
}

interface Present extends MadeAgent {
  readonly observer: AgentObserver;
}

/**
 * A policy agent by its name. Ports hold on to it: whoever stands behind the name
 * may change, or go, while exchanges that have begun with one go on with that one.
 */
export class ConfiguredAgent implements Judge {
  readonly stats = new AgentStats();
  readonly updates: ConfigUpdates;
  private readonly limits = { maxSeries: 0, expireMs: 1 };
  readonly reported = new ReportedMetrics(this.limits);
  private readonly limitedLog: LimitedLog;
  private current: AgentSettings | undefined;
  private text: string | undefined;
  /** who is asked */
  private present: Present | undefined;
  /** who will be, once it is reached */
  private next: Present | undefined;
  private filter: Filter | undefined;
  private readonly before = { ...NO_TOTALS };
  private toldMissing = false;
  private isDrained = false;
  /** agents that were replaced and still end what they have begun */
  private readonly leaving = new Map<ManagedAgent, Promise<void>>();

  constructor(
    readonly name: string,
    private readonly around: AgentSurroundings,
  ) {
    this.updates = new ConfigUpdates(around.reload);
    this.limitedLog = new LimitedLog(around.log);
  }

  /** undefined: there is no such agent */
  get settings(): AgentSettings | undefined {
    return this.current;
  }

  get agent(): ManagedAgent | undefined {
    return this.present?.agent;
  }

  get drained(): boolean {
    return this.isDrained;
  }

  begin(correlationId: string): Conversation {
    return this.present === undefined
      ? missingAgent(this.name, this.sayMissing)
      : this.present.agent.begin(correlationId);
  }

  /** An agent that there is not has no filter: all is refused. */
  concerns(head: OpenHead): boolean {
    return this.filter?.concerns(head) ?? true;
  }

  concernsBody(type: string): boolean {
    return this.filter?.concernsBody(type) ?? true;
  }

  /** Takes a reverse connection. @returns why it is refused; undefined: it is in service */
  add(link: AgentLink): string | undefined {
    const { agent } = this;
    return agent === undefined ? `there is no policy agent ${this.name}` : agent.add(link);
  }

  /** @param settings undefined: there is no such agent from now on */
  set(settings: AgentSettings | undefined): void {
    const text = JSON.stringify(settings) as string | undefined;
    if (text === this.text) return;
    const { current, present, next } = this;
    const isReachedAlike = current && settings && reachText(current) === reachText(settings);
    this.current = settings;
    this.text = text;
    this.filter = settings && new Filter(settings);
    if (settings !== undefined) {
      this.stats.recent.resize(settings.limits.rememberedDecisions);
      this.limits.maxSeries = settings.limits.maxSeries;
      this.limits.expireMs = settings.limits.seriesExpireMs;
    }
    // What is asked and shown may change under an agent that stays.
    if (isReachedAlike === true) return;
    this.toldMissing = false;
    this.next = undefined;
    if (next !== undefined) this.retire(next);
    if (settings === undefined) {
      this.present = undefined;
      this.isDrained = false;
      if (present !== undefined) this.retire(present);
    } else this.replaceBy(this.made(settings));
  }

  /** Nothing new is asked while it is drained. It does not survive the end of the gateway. */
  setDrained(drained: boolean): void {
    this.isDrained = drained;
    for (const one of [this.present, this.next]) one?.agent.setDrained(drained);
  }

  /** An exchange was judged. @param port agent and local service */
  decided(event: JudgedEvent, port: string): void {
    this.stats.decided(event);
    const { log } = this.around;
    // The event as it is: most lines are not written, and cost nothing so.
    if (event.decision === 'allow') log.debug(event, 'policy agent has judged');
    else {
      const { audit, clientAddress, correlationId, decision, event: asked, method, path, status } = event;
      const what = { policyAgent: this.name, agentId: port, asked, decision, status, method, path, clientAddress };
      this.limitedLog.info({ ...what, correlationId, ...saidOf(audit) }, 'policy agent has stopped an exchange');
    }
  }

  /** Those of agents that had the name before included. */
  totals(): Totals {
    const totals = added({ ...this.before }, this.agent?.figures());
    for (const agent of this.leaving.keys()) added(totals, agent.figures());
    return totals;
  }

  /** Series of its own that nobody reports any more go. */
  forgetReported(now: number): void {
    const isThere = (id: string): boolean => this.present?.observer.hasReplica(id) === true;
    this.reported.sweep(now, isThere);
  }

  /** Ends it; exchanges under way have `drainMs`. */
  async close(): Promise<void> {
    this.set(undefined);
    await this.left();
  }

  /** Ends when those that were replaced have ended what they had begun. */
  async left(): Promise<void> {
    await Promise.all(this.leaving.values());
  }

  private made(settings: AgentSettings): Present {
    const acceptUpdates = (): readonly string[] => this.current?.acceptUpdates ?? [];
    const { around, isDrained, name, reported, stats, updates } = this;
    const known = { name, reported, stats, updates, acceptUpdates };
    const observer = new AgentObserver(known, around.events, around.log);
    const made = { ...around.make(name, settings, observer), observer };
    if (isDrained) made.agent.setDrained(true);
    return made;
  }

  /** The one that is there answers until the other is reached, or is known not to be. */
  private replaceBy(made: Present): void {
    if (this.present === undefined) {
      this.present = made;
      return;
    }
    this.next = made;
    void made.ready.then(() => {
      if (this.next !== made) return;
      const { present } = this;
      this.next = undefined;
      this.present = made;
      if (present !== undefined) this.retire(present);
    });
  }

  private retire({ agent, observer }: Present): void {
    observer.retire();
    const left = agent
      .close()
      .catch((thrown: unknown) => {
        this.around.log.error({ policyAgent: this.name, err: thrown }, 'a policy agent could not be closed');
      })
      .then(() => {
        added(this.before, agent.figures());
        this.leaving.delete(agent);
      });
    this.leaving.set(agent, left);
  }

  private readonly sayMissing = (): void => {
    if (this.toldMissing) return;
    this.toldMissing = true;
    this.around.log.error(
      { policyAgent: this.name },
      'a policy names a policy agent that there is not: its requests are refused (inspect.agents)',
    );
  };
}

/** Of the settings, those that an agent is made with. */
function reachText(settings: AgentSettings): string {
  const { maxLogsPerSecond } = settings.limits;
  const others = { acceptUpdates: 0, contentTypes: 0, limits: 0, methods: 0, paths: 0 };
  return JSON.stringify({ ...settings, ...others, maxLogsPerSecond });
}
