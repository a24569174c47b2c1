import type { BerthError } from '@berth/errors';
import type { Carrier, OpenedExchange, OpenHead, ResponseSink } from '@berth/exchange';
import type { AgentConnection } from './agent-connection.js';
import { CandidateList, type Obstacle, refusal } from './candidates.js';
import { Member } from './member.js';
import { ObservedSink } from './observed-sink.js';
import type { PoolConnection } from './pool-connection.js';
import { POOL_DEFAULTS, type PoolOptions } from './pool-options.js';
import { Replica } from './replica.js';
import { STRATEGIES, type Strategy } from './strategies/index.js';

const DRAINED = 'drained by an operator';

/** The connections of one agent, what is known of each, and how one is picked for an exchange. */
export class AgentPool<C extends PoolConnection = AgentConnection> {
  /** what was done on connections that are in the pool no more */
  readonly gone = { requests: 0, errors: 0 };
  private list: readonly C[] = [];
  private readonly byConnection = new Map<Carrier, Member<C>>();
  private readonly replicas = new Map<string, Replica>();
  private readonly candidates: CandidateList<C>;
  private readonly strategy: Strategy;
  private readonly options: PoolOptions<C>;
  /** whoever comes is drained as well */
  private allDrained = false;

  constructor(
    readonly agentId: string,
    options: Partial<PoolOptions<C>> = {},
  ) {
    this.options = { ...POOL_DEFAULTS, ...options };
    const { strategy, lastResort, random, now } = this.options;
    this.strategy = STRATEGIES[strategy](random);
    this.candidates = new CandidateList(lastResort, now);
  }

  /** Connections, in the order in which they came. */
  get all(): readonly C[] {
    return this.list;
  }

  /** The same, with what is known of them. */
  get members(): readonly Member<C>[] {
    return this.candidates.members;
  }

  get inFlight(): number {
    return this.list.reduce((sum, connection) => sum + connection.inFlight, 0);
  }

  /** Takes a connection in. Copies on write: a caller that walks {@link all} is never disturbed. */
  add(connection: C): Member<C> {
    const { health, onHealth } = this.options;
    const now = this.options.now();
    const replica = this.replicaOf(connection);
    replica.connections += 1;
    const member = new Member(connection, replica, health, onHealth, now);
    // Without a figure of its own it would look like the quickest of all.
    const mean = this.meanLatency(now);
    if (mean > 0) member.latency.observe(mean, now);
    this.byConnection.set(connection, member);
    this.list = [...this.list, connection];
    this.candidates.members = [...this.members, member];
    if (replica.drained) member.health.withhold(DRAINED, now);
    member.health.connected(now);
    return member;
  }

  /** Removes that very connection, never another with the same name (checklist A11). */
  remove(connection: C): boolean {
    const member = this.byConnection.get(connection);
    if (member === undefined) return false;
    this.byConnection.delete(connection);
    this.list = this.list.filter((other) => other !== connection);
    this.candidates.members = this.members.filter((other) => other !== member);
    this.gone.requests += member.requests;
    this.gone.errors += member.errors;
    const { replica } = member;
    replica.connections -= 1;
    if (replica.connections === 0) this.replicas.delete(replica.id);
    if (this.list.length === 0) this.allDrained = false;
    return true;
  }

  /** What is known of a connection; undefined when it is not in the pool any more. */
  of(connection: Carrier): Member<C> | undefined {
    return this.byConnection.get(connection);
  }

  /**
   * Begins an exchange on the connection that suits best; the exchange knows which one that is,
   * and the pool sees what comes of it.
   *
   * @param except a connection that has just failed this exchange
   * @throws BerthError what {@link select} throws, and `BERTH_CONNECTION_CLOSED`
   */
  open(this: AgentPool, head: OpenHead, sink: ResponseSink, except?: Carrier): OpenedExchange {
    return this.openOn(this.pickOrThrow(except), head, sink);
  }

  /** The same on a member that was picked. */
  openOn(this: AgentPool, member: Member<AgentConnection>, head: OpenHead, sink: ResponseSink): OpenedExchange {
    member.began();
    return member.connection.open(head, new ObservedSink(sink, member, this.options));
  }

  /**
   * The connection that the strategy picks.
   *
   * @param except a connection that has just failed this exchange
   * @throws BerthError `BERTH_AGENT_UNAVAILABLE` when none can be used, `BERTH_AGENT_BUSY` when all that can are full
   */
  select(except?: Carrier): C {
    return this.pickOrThrow(except).connection;
  }

  /**
   * As {@link select}, without an error: undefined when there is none, see {@link obstacle}.
   *
   * @param except a connection that has just failed this exchange; others of its replica come last
   * @param replicaId the replica that it should go to, while that is fit and has room
   */
  pick(except?: Carrier, replicaId?: string): Member<C> | undefined {
    const { candidates } = this;
    if (candidates.size === 0) return undefined;
    candidates.except = except;
    if (replicaId !== undefined) {
      candidates.replicaId = replicaId;
      const there = this.picked();
      candidates.replicaId = undefined;
      if (there?.usable === true) return there;
    }
    if (except === undefined) return this.picked();
    candidates.exceptReplica = this.of(except)?.replica;
    const elsewhere = this.picked();
    candidates.exceptReplica = undefined;
    return elsewhere ?? this.picked();
  }

  private picked(): Member<C> | undefined {
    const { candidates, strategy } = this;
    // Most agents have one connection, and there is nothing to weigh.
    const member = candidates.size === 1 ? candidates.at(0) : strategy.pick(candidates);
    return member ?? candidates.standIn();
  }

  /** One of those that are paused, for who goes on all the same (checklist C7, fail open). */
  pickPaused(): Member<C> | undefined {
    this.candidates.except = undefined;
    return this.candidates.paused();
  }

  /** Why {@link pick} finds none. */
  obstacle(except?: Carrier): Obstacle {
    this.candidates.except = except;
    return this.candidates.obstacle();
  }

  /** Maintenance: has those tried again that failed too often a while ago. To be called about once a second. */
  tick(now = this.options.now()): void {
    for (const { health } of this.members) health.tick(now);
  }

  /** Lets a replica take a growing part of its turns, beside others. */
  startSlowly(replica: Replica): void {
    replica.startSlowly(this.options.slowStartMs, this.options.now());
  }

  /**
   * Keeps exchanges away from one replica, or from all of them and those that
   * come, until {@link undrain}; what is under way goes on. A drain is
   * forgotten with the last connection that it is about.
   *
   * @returns false when there is no such replica
   */
  drain(replicaId?: string): boolean {
    if (replicaId === undefined) this.allDrained = true;
    return this.setDrained(true, replicaId);
  }

  /** Ends {@link drain}, for one replica or for all. @returns false when there is no such replica */
  undrain(replicaId?: string): boolean {
    this.allDrained &&= replicaId !== undefined;
    return this.setDrained(false, replicaId);
  }

  private pickOrThrow(except?: Carrier): Member<C> {
    const member = this.pick(except);
    if (member === undefined) throw this.refusal(except);
    return member;
  }

  private setDrained(drained: boolean, replicaId: string | undefined): boolean {
    if (replicaId !== undefined && !this.replicas.has(replicaId)) return false;
    const now = this.options.now();
    for (const replica of this.replicas.values()) {
      if (replica.drained === drained || replica.id !== (replicaId ?? replica.id)) continue;
      replica.drained = drained;
      // Nothing runs on it, so all the others would look busier.
      if (!drained && this.hasUsable) this.startSlowly(replica);
      for (const member of this.members) {
        if (member.replica !== replica) continue;
        if (drained) member.health.withhold(DRAINED, now);
        else member.health.released(now);
      }
    }
    return true;
  }

  /** What {@link select} throws now. */
  refusal(except?: Carrier): BerthError {
    return refusal(this.agentId, this.obstacle(except), this.inFlight);
  }

  private replicaOf({ origin: { instanceId } }: C): Replica {
    const known = this.replicas.get(instanceId);
    if (known !== undefined) return known;
    const replica = new Replica(instanceId);
    replica.drained = this.allDrained;
    if (this.hasUsable) this.startSlowly(replica);
    this.replicas.set(instanceId, replica);
    return replica;
  }

  private get hasUsable(): boolean {
    return this.members.some(({ usable }) => usable);
  }

  /** Of those that have shown theirs; 0 when none has. */
  private meanLatency(now: number): number {
    const known = this.members.map(({ latency }) => latency.valueAt(now, false)).filter((ms) => ms > 0);
    return known.reduce((sum, ms) => sum + ms, 0) / Math.max(1, known.length);
  }
}
