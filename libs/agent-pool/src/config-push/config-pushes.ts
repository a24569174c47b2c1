import { randomBytes } from 'node:crypto';
import { BerthError } from '@berth/errors';
import { AgentPushes, type PushOptions, type Settled } from './agent-pushes.js';
import { CONFIG_PUSH, ConfigPush, type PushTarget } from './config-push.js';
import { PushRoom } from './push-room.js';

export interface ConfigPushesOptions extends PushOptions {
  /** of one configuration */
  maxBytes: number;
}

/** Agents whose pushes are remembered; of more, those that went first are forgotten. */
const MAX_AGENTS = 10_000;

/** Configurations that are pushed to agents, and what became of them (checklist C19). */
export class ConfigPushes {
  private readonly agents = new Map<string, AgentPushes>();
  private readonly room = new PushRoom();

  /** @param now monotonic ms */
  constructor(
    private readonly options: ConfigPushesOptions,
    private readonly settled: Settled,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Pushes to all replicas of an agent that take it, those that come before it is over included.
   *
   * @param configJson JSON text; sent as it is
   * @param bytes its length, for who has had it checked
   * @throws BerthError `BERTH_BODY_TOO_LARGE`, `BERTH_CONFIG_PUSH_UNSUPPORTED`, `BERTH_TOO_MANY_PUSHES`
   */
  push(agentId: string, configJson: string, bytes = this.checkSize(configJson)): ConfigPush {
    const agent = this.agents.get(agentId);
    if (agent?.reachable !== true) {
      throw new BerthError('BERTH_CONFIG_PUSH_UNSUPPORTED', `agent ${agentId} takes no configuration (${CONFIG_PUSH})`);
    }
    if (agent.pending >= this.options.maxPendingPerAgent) {
      const what = `agent ${agentId} has ${agent.pending} pushes under way (configPush.maxPendingPerAgent)`;
      throw new BerthError('BERTH_TOO_MANY_PUSHES', what);
    }
    const push = new ConfigPush(`push-${randomBytes(8).toString('hex')}`, agentId, configJson, bytes);
    agent.add(push);
    return push;
  }

  /** @returns its length in bytes @throws BerthError `BERTH_BODY_TOO_LARGE` */
  checkSize(configJson: string): number {
    const bytes = Buffer.byteLength(configJson);
    if (bytes <= this.options.maxBytes) return bytes;
    const what = `the configuration has ${bytes} bytes, more than ${this.options.maxBytes} (configPush.maxBytes)`;
    throw new BerthError('BERTH_BODY_TOO_LARGE', what);
  }

  /** Those of an agent that are remembered, the newest first. */
  list(agentId: string): readonly ConfigPush[] {
    return this.agents.get(agentId)?.list.toReversed() ?? [];
  }

  get(agentId: string, pushId: string): ConfigPush | undefined {
    return this.agents.get(agentId)?.list.find(({ id }) => id === pushId);
  }

  /** Pushes that are not over, of all agents. */
  get pending(): number {
    let sum = 0;
    for (const agent of this.agents.values()) sum += agent.pending;
    return sum;
  }

  /** A connection went into service. */
  connected(target: PushTarget): void {
    if (!target.features.has(CONFIG_PUSH)) return;
    const { agentId } = target;
    let agent = this.agents.get(agentId);
    if (agent === undefined) {
      this.makeRoom();
      agent = new AgentPushes(this.options, this.now, this.settled, this.room);
      this.agents.set(agentId, agent);
    }
    agent.connected(target);
  }

  /** It has gone, or another process took its place. */
  disconnected({ agentId, connectionId }: { agentId: string; connectionId: string }): void {
    const agent = this.agents.get(agentId);
    if (agent === undefined) return;
    agent.disconnected(connectionId);
    if (agent.reachable) return;
    this.agents.delete(agentId);
    // Behind the others: the one that left last is forgotten last.
    if (agent.list.length > 0) this.agents.set(agentId, agent);
  }

  /**
   * The agent has answered a push.
   *
   * @returns false when nothing waits for this answer
   */
  acknowledged(
    { agentId, origin }: PushTarget,
    { pushId, accepted, error }: { pushId: string; accepted: boolean; error: string },
  ): boolean {
    return this.agents.get(agentId)?.answered(origin.instanceId, pushId, accepted, error) ?? false;
  }

  /** For good: nothing is sent or ends any more. */
  stop(): void {
    for (const agent of this.agents.values()) agent.stop();
  }

  private makeRoom(): void {
    if (this.agents.size < MAX_AGENTS) return;
    for (const [id, agent] of this.agents) {
      if (agent.reachable) continue;
      agent.stop();
      this.agents.delete(id);
      return;
    }
  }
}
