import { Counter, Gauge, type Metric, type Registry } from 'prom-client';
import { latencyMetric } from '@berth/observability';
import type { ConfiguredAgent, PolicyAgents } from '../policy-agents/index.js';
import { REJECTIONS } from '../reported-metrics/index.js';
import { outcomesOf } from './describe-policy-agent.js';
import { HEALTH_STATES } from './agent-metrics.js';

type Labels = { policy_agent: string };
const labelsOf = ({ name }: ConfiguredAgent): Labels => ({ policy_agent: name });

/** Of the event that nearly all agents see. */
const FIRST_OUTCOMES = ['allow', 'block', 'error', 'skipped'];

/** Policy agents and what came of their questions: read when somebody asks, so that exchanges pay nothing (checklist C21). */
export function showPolicyAgents(registry: Registry, agents: PolicyAgents): void {
  const { counter, gauge } = metricsFor(registry, agents);
  counter('questions_total', 'Questions that are over, by event and outcome', ['event', 'outcome'], (agent, inc) => {
    // From the start, so that the first one of a kind is an increase.
    for (const outcome of FIRST_OUTCOMES) inc({ event: 'request_headers', outcome }, 0);
    for (const [event, outcome, count] of outcomesOf(agent)) inc({ event, outcome }, count);
  });
  counter('failures_total', 'Questions without an answer of use, by reason', ['reason'], ({ stats }, inc) => {
    for (const [reason, count] of stats.failures) inc({ reason }, count);
  });
  counter('rule_hits_total', 'Decisions by the ids of rules that the agent gives', ['rule'], ({ stats }, inc) => {
    for (const [rule, count] of stats.rules) inc({ rule }, count);
  });
  counter('connects_total', 'Connections that went into service', [], ({ stats }, inc) => inc({}, stats.connects));
  counter('disconnects_total', 'Connections that ended', [], ({ stats }, inc) => inc({}, stats.disconnects));
  counter('connection_errors_total', 'Connections that ended with an error', ['kind'], (agent, inc) => {
    const { connectionErrors, serializationErrors } = agent.totals();
    inc({ kind: 'serialization' }, serializationErrors);
    inc({ kind: 'other' }, connectionErrors - serializationErrors);
  });
  counter('cancelled_total', 'Exchanges that were cut off while the agent judged them', [], (agent, inc) =>
    inc({}, agent.totals().cancelled),
  );
  counter('stray_answers_total', 'Answers that nobody waited for', ['kind'], (agent, inc) => {
    const { lateAnswers, unknownAnswers } = agent.totals();
    inc({ kind: 'late' }, lateAnswers);
    inc({ kind: 'unknown' }, unknownAnswers);
  });
  counter('passed_over_total', 'Messages of the agent that came too often, or made no sense', [], (agent, inc) =>
    inc({}, agent.totals().passedOver),
  );
  counter('flow_signals_total', 'Pauses, resumptions and capacities that the agent sent', [], (agent, inc) =>
    inc({}, agent.totals().flowSignals),
  );
  counter('breaker_opened_total', 'Times that the agent failed so often that it was asked nothing', [], (agent, inc) =>
    inc({}, agent.totals().breakerOpened),
  );
  counter('series_rejected_total', 'Series in its reports that were not taken', ['reason'], ({ reported }, inc) => {
    for (const reason of REJECTIONS) inc({ reason }, reported.rejected[reason]);
  });
  gauge('connections', 'Connections by what they are fit for', ['state'], ({ agent }, set) => {
    const { connections = [] } = agent?.figures() ?? {};
    for (const state of HEALTH_STATES) set({ state }, connections.filter((one) => one.state === state).length);
  });
  gauge('in_flight', 'Questions under way', [], ({ agent }, set) => set({}, agent?.figures().inFlight ?? 0));
  gauge('waiting', 'Exchanges that wait for room', [], ({ agent }, set) => set({}, agent?.figures().waiting ?? 0));
  gauge('buffer_use', 'Questions under way of those that its connections take, 0 to 1', [], ({ agent }, set) =>
    set({}, agent?.figures().protocol.bufferUse ?? 0),
  );
  gauge('breaker_open', '1: the agent failed too often and is asked nothing for a while', [], ({ agent }, set) =>
    set({}, agent?.figures().breaker === 'open' ? 1 : 0),
  );
  const durations = () => agents.list().map((agent) => ({ labels: labelsOf(agent), latency: agent.stats.durations }));
  const help = 'From a question to its answer, or to its end without one';
  registry.registerMetric(latencyMetric('berth_policy_agent_question_duration_seconds', help, durations) as Metric);
  new Gauge({
    name: 'berth_policy_held_bytes',
    help: 'Bytes of bodies that are held for policy agents (inspection.maxTotalHeldBytes)',
    registers: [registry],
    collect() {
      this.set(agents.held.bytes);
    },
  });
}

type Add<L extends string> = (labels: Record<L, string>, value: number) => void;
type Read<L extends string> = (agent: ConfiguredAgent, add: Add<L>) => void;
type Show = <L extends string>(name: string, help: string, labels: readonly L[], read: Read<L>) => void;

/** Metrics with a label for the agent, without those that have gone. */
function metricsFor(registry: Registry, agents: PolicyAgents): Record<'counter' | 'gauge', Show> {
  const common = (name: string, help: string, labels: readonly string[]) => ({
    name: `berth_policy_agent_${name}`,
    help,
    labelNames: ['policy_agent', ...labels],
    registers: [registry],
  });
  return {
    counter: (name, help, labels, read) => {
      new Counter({
        ...common(name, help, labels),
        collect() {
          this.reset();
          for (const agent of agents.list())
            read(agent, (own, value) => {
              this.inc({ ...labelsOf(agent), ...own }, value);
            });
        },
      });
    },
    gauge: (name, help, labels, read) => {
      new Gauge({
        ...common(name, help, labels),
        collect() {
          this.reset();
          for (const agent of agents.list())
            read(agent, (own, value) => {
              this.set({ ...labelsOf(agent), ...own }, value);
            });
        },
      });
    },
  };
}
