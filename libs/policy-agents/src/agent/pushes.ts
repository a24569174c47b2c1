import { randomBytes } from 'node:crypto';
import { AgentPushes, CONFIG_PUSH, ConfigPush } from '@berth/agent-pool';
import { BerthError, messageOf } from '@berth/errors';
import type { AgentAnswer } from '../answers.js';
import type { PolicyPush } from '../managed.js';
import type { LogReport } from '../reports.js';
import type { Core } from './core.js';
import type { PolicyConnection } from './policy-connection.js';
import type { Reports } from './reports.js';

/** Correlation id of the first configuration of a connection. */
const INITIAL = 'config-initial';
const PUSH = 'config-push-';

/** Configurations for one agent: the first one of each connection, and those that are pushed (checklist C19). */
export class Pushes {
  private readonly pushes: AgentPushes;
  /** what a connection is given first: as configured, or what was pushed and taken last */
  private current: string | undefined;
  /** of pushes that are not over, by their ids */
  private readonly texts = new Map<string, string>();

  /** @param reports takes what an agent has against its first configuration */
  constructor(
    private readonly core: Core,
    private readonly reports: Reports,
  ) {
    const { options, name, now, observer } = core;
    this.current = options.configJson;
    const { maxPending, ...push } = options.push;
    const limits = { ...push, maxPendingPerAgent: maxPending, ackSetting: `policyAgents.${name}.push.ackTimeoutMs` };
    this.pushes = new AgentPushes(limits, now, (settled) => {
      if (settled.open) return;
      if (settled.state === 'acknowledged') this.current = this.texts.get(settled.id) ?? this.current;
      this.texts.delete(settled.id);
      observer.pushSettled(shown(settled));
    });
  }

  connected(connection: PolicyConnection): void {
    if (!takesConfig(connection)) return;
    if (this.current !== undefined) this.begin(connection, this.current);
    this.pushes.connected(connection);
  }

  private begin(connection: PolicyConnection, configJson: string): void {
    try {
      connection.configure(configJson, true, INITIAL);
    } catch (thrown) {
      this.reports.take(connection, warning(`it was not told its first configuration: ${messageOf(thrown)}`));
    }
  }

  disconnected(connection: PolicyConnection): void {
    this.pushes.disconnected(connection.id);
  }

  /** @throws BerthError `BERTH_CONFIG_PUSH_UNSUPPORTED`, `BERTH_TOO_MANY_PUSHES` */
  push(configJson: string): PolicyPush {
    const { name, options } = this.core;
    if (!this.pushes.reachable) {
      const what = `policy agent ${name} is not there, or takes no configuration (${CONFIG_PUSH})`;
      throw new BerthError('BERTH_CONFIG_PUSH_UNSUPPORTED', what);
    }
    const { pending } = this.pushes;
    if (pending >= options.push.maxPending) {
      const what = `policy agent ${name} has ${pending} pushes under way (push.maxPending)`;
      throw new BerthError('BERTH_TOO_MANY_PUSHES', what);
    }
    const push = new ConfigPush(PUSH + randomBytes(8).toString('hex'), name, configJson);
    this.texts.set(push.id, configJson);
    this.pushes.add(push);
    return shown(push);
  }

  /** The newest first. */
  get list(): readonly PolicyPush[] {
    return this.pushes.list.map(shown).reverse();
  }

  /** @returns whether it is an answer to a configuration; what was wrong with it otherwise is told */
  answered(connection: PolicyConnection, { correlationId, decision }: AgentAnswer): boolean {
    const problem = decision.kind === 'allow' ? '' : 'the agent refused it';
    const detail = decision.kind === 'block' ? (decision.body ?? problem) : problem;
    if (correlationId === INITIAL && this.current !== undefined) {
      if (problem !== '') this.reports.take(connection, warning(`refused its first configuration: ${detail}`));
      return true;
    }
    return correlationId.startsWith(PUSH) && this.pushes.answered(connection.id, correlationId, problem === '', detail);
  }

  stop(): void {
    this.pushes.stop();
  }
}

function takesConfig({ capabilities: { features, supportedEvents } }: PolicyConnection): boolean {
  return features.configPush || supportedEvents.has('configure');
}

function warning(message: string): LogReport {
  return { kind: 'log', level: 'warn', message, fields: {}, timestampMs: Date.now() };
}

/** One push as its owner sees it: what its connections made of it, together. */
function shown(push: ConfigPush): PolicyPush {
  const deliveries = [...push.deliveries.values()];
  const { id, bytes, createdAt, state, open } = push;
  return {
    id,
    bytes,
    createdAt,
    state,
    tries: Math.max(0, ...deliveries.map(({ tries }) => tries)),
    error: deliveries.find(({ error }) => error !== '')?.error ?? '',
    settledAt: open ? undefined : Math.max(...deliveries.map(({ settledAt }) => settledAt ?? 0)),
  };
}
