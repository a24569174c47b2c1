import { Dialler, type HealthChange, type Member } from '@berth/agent-pool';
import { type BerthError } from '@berth/errors';
import type { AgentAnswer } from '../answers.js';
import type { Conversation } from '../conversation.js';
import type { AgentLink } from '../link.js';
import type {
  LinkSource,
  ManagedAgent,
  PolicyAgentFigures,
  PolicyAgentObserver,
  PolicyAgentOptions,
  PolicyPush,
} from '../managed.js';
import type { AgentReport } from '../reports.js';
import { agentFigures } from './agent-figures.js';
import { Core } from './core.js';
import { POLICY_AGENT_DEFAULTS } from './defaults.js';
import { HealthTeller } from './health-teller.js';
import { NO_OBSERVER } from './no-observer.js';
import { type ConnectionOwner, PolicyConnection } from './policy-connection.js';
import { PolicyConversation } from './policy-conversation.js';
import { Pushes } from './pushes.js';
import { unavailable } from './reason.js';
import { Reports } from './reports.js';

/** Maintenance (checklist C13). */
const TICK_MS = 1000;
/** An agent that is restarted is there again soon; one that is away for long is looked for every 5 s (checklist C1), without end. */
const REDIAL = { minWaitMs: 100, maxWaitMs: 5000, maxAttempts: Infinity };
/** After so long without a question an exchange is forgotten until its next one, ms (checklist C8). */
const IDLE_MS = 300_000;
const SWEEP_MS = 60_000;

/**
 * One policy agent: asked over the connections of its pool, within its deadline,
 * and with an end for each question whatever the agent does. What there is to
 * dial it dials from {@link start} on; other links come by {@link add}.
 */
export class PolicyAgent implements ManagedAgent {
  private readonly core: Core;
  private readonly reports: Reports;
  private readonly pushed: Pushes;
  private readonly health: HealthTeller;
  private readonly connections = new Set<PolicyConnection>();
  private readonly allEnded = Promise.withResolvers<undefined>();
  private readonly ticker: NodeJS.Timeout;
  private dialler: Dialler<PolicyConnection> | undefined;
  private isUnreachable = false;
  /** connections that are to be replaced, one after the other */
  private outdated: PolicyConnection[] = [];
  /** one of them is being replaced, and the next link is its successor */
  private isReplacing = false;
  /** the one that serves on until then */
  private retiring: PolicyConnection | undefined;
  private sweptAt: number;
  private made = 0;

  /**
   * @param name for settings, logs and errors
   * @param options for what is not said, {@link POLICY_AGENT_DEFAULTS}
   * @param now monotonic ms
   */
  constructor(
    readonly name: string,
    options: Partial<PolicyAgentOptions> = {},
    private readonly source: LinkSource = {},
    observer: PolicyAgentObserver = NO_OBSERVER,
    now: () => number = () => performance.now(),
  ) {
    const all = { ...POLICY_AGENT_DEFAULTS, ...options };
    this.core = new Core(name, all, observer, (member, change) => this.healthChanged(member, change), now);
    this.reports = new Reports(this.core);
    this.pushed = new Pushes(this.core, this.reports);
    this.health = new HealthTeller(this.core);
    this.sweptAt = now();
    this.ticker = setInterval(() => this.tick(), TICK_MS);
    this.ticker.unref();
  }

  /**
   * Dials as many connections as are wanted. Whatever comes of it, those that lack are dialled again until {@link close}.
   *
   * @throws BerthError `BERTH_AGENT_UNAVAILABLE` when none of them could be opened
   */
  async start(): Promise<void> {
    if (this.source.dial === undefined || this.core.closing || this.dialler !== undefined) return;
    const dialler = this.makeDialler(this.source.dial);
    this.dialler = dialler;
    try {
      await dialler.start();
    } catch (thrown) {
      if (!this.isClosing) {
        this.dialler = this.makeDialler(this.source.dial);
        this.dialler.problem = dialler.problem;
        this.dialler.redial();
      }
      throw thrown;
    }
  }

  begin(correlationId: string): Conversation {
    return new PolicyConversation(this.core, correlationId);
  }

  add(link: AgentLink): string | undefined {
    if (this.core.closing) return `policy agent ${this.name} is being closed`;
    this.core.pool.add(this.connectionOver(link));
    return undefined;
  }

  figures(): PolicyAgentFigures {
    return agentFigures(this.core, this.dialler?.problem ?? '');
  }

  push(configJson: string): PolicyPush {
    return this.pushed.push(configJson);
  }

  pushes(): readonly PolicyPush[] {
    return this.pushed.list;
  }

  setDrained(drained: boolean): void {
    this.core.drained = drained;
  }

  reconnect(): void {
    this.core.breaker.close();
    this.outdated = [...this.connections];
    this.dialler?.redial();
    if (!this.isReplacing) this.replaceNext();
  }

  async close(): Promise<void> {
    const { core } = this;
    if (!core.closing) {
      core.closing = true;
      clearInterval(this.ticker);
      this.pushed.stop();
      core.admission.refuseAll(unavailable(this.name, 'closed'));
      this.dialler?.stop();
      for (const connection of this.connections) {
        core.pool.remove(connection);
        connection.close();
      }
      if (this.connections.size === 0) this.finish();
    }
    await this.allEnded.promise;
  }

  private get isClosing(): boolean {
    return this.core.closing;
  }

  private finish(): void {
    this.core.deadlines.stop();
    this.allEnded.resolve(undefined);
  }

  private makeDialler(dial: (signal: AbortSignal) => Promise<AgentLink>): Dialler<PolicyConnection> {
    const { connections, connectTimeoutMs } = this.core.options;
    const open = async (signal: AbortSignal): Promise<PolicyConnection> => this.connectionOver(await dial(signal));
    return new Dialler(this.core.pool, open, { connections, connectTimeoutMs, ...REDIAL });
  }

  private connectionOver(link: AgentLink): PolicyConnection {
    this.made += 1;
    const owner: ConnectionOwner = {
      reported: (connection, report: AgentReport) => this.reports.take(connection, report),
      configured: (connection, answer: AgentAnswer) => this.pushed.answered(connection, answer),
      ended: (connection, error) => this.ended(connection, error),
    };
    return new PolicyConnection(`${this.name}-${this.made}`, link, this.core, owner);
  }

  private healthChanged(member: Member<PolicyConnection>, { from }: HealthChange): void {
    if (from === 'connecting') this.inService(member);
    else this.health.tell(member.connection);
  }

  private inService(member: Member<PolicyConnection>): void {
    const { connection } = member;
    const isNew = !this.connections.has(connection);
    if (isNew) {
      this.connections.add(connection);
      this.core.said(this.connections);
      this.health.connected(connection);
      this.core.observer.connected(connection.id, connection.link);
    }
    connection.serve(member);
    if (!isNew || connection.leaving) return;
    // An attempt that was under way when all was closed.
    if (this.core.closing) {
      connection.close();
      return;
    }
    this.pushed.connected(connection);
    this.core.admission.roomMade();
    if (this.isReplacing) this.replaced();
  }

  private ended(connection: PolicyConnection, error: BerthError | undefined): void {
    const { core } = this;
    if (error !== undefined) core.ledger.connectionErrors += 1;
    if (error?.code === 'BERTH_PROTOCOL_ERROR') core.ledger.serializationErrors += 1;
    core.ledger.affinityEvictions += connection.conversations.evictions;
    this.connections.delete(connection);
    core.said(this.connections);
    if (this.dialler?.lost(connection) !== true) core.pool.remove(connection);
    if (this.retiring === connection) this.retiring = undefined;
    this.health.gone(connection);
    this.pushed.disconnected(connection);
    core.observer.disconnected(connection.id, error?.code ?? 'closed', error?.message ?? '');
    if (core.closing && this.connections.size === 0) this.finish();
  }

  /** One that is dialled serves on until its successor is there; who has dialled in comes again by itself. */
  private replaceNext(): void {
    const connection = this.outdated.shift();
    this.isReplacing = connection !== undefined;
    if (connection === undefined) return;
    if (connection.leaving) this.replaceNext();
    else if (this.dialler?.lost(connection) === true) {
      connection.accepting = false;
      connection.standby = true;
      this.retiring = connection;
      this.core.pool.add(connection);
    } else {
      this.core.pool.remove(connection);
      connection.close();
    }
  }

  /** A successor is there. */
  private replaced(): void {
    const { retiring } = this;
    this.retiring = undefined;
    if (retiring !== undefined) {
      this.core.pool.remove(retiring);
      retiring.close();
    }
    this.replaceNext();
  }

  private tick(): void {
    const { core, dialler } = this;
    const now = core.now();
    core.pool.tick(now);
    for (const connection of this.connections) connection.state.tick(now);
    this.health.tick();
    core.admission.roomMade();
    if (now >= this.sweptAt + SWEEP_MS) {
      this.sweptAt = now;
      for (const connection of this.connections) connection.conversations.sweep(now - IDLE_MS);
    }
    if (dialler === undefined) return;
    if (dialler.problem !== '' && !this.isUnreachable) core.observer.unreachable(dialler.problem);
    this.isUnreachable = dialler.problem !== '';
  }
}
