import { partOf, valueAt } from '@berth/config';
import type {
  AgentCapabilities,
  HealthReport,
  PolicyAgentFigures,
  PolicyConnectionFigures,
} from '@berth/policy-agents';
import {
  type ConfiguredAgent,
  expectedIds,
  HIDDEN,
  POLICY_AGENT_SETTINGS,
  type ShownDecision,
} from '../policy-agents/index.js';
import { STATES } from './agent.dto.js';
import type { HealthReportDto, PolicyAgentCapabilitiesDto } from './policy-agent-report.dto.js';
import type {
  PolicyAgentDetailDto,
  PolicyAgentDto,
  PolicyAgentState,
  PolicyConnectionDto,
  PolicyDecisionDto,
} from './policy-agent.dto.js';
import { describeUpdate } from './policy-update.dto.js';

/** Outcomes that stop an exchange. */
const STOPS = new Set(['block', 'redirect', 'challenge']);

/** Ids that a reason names. */
const MAX_IDS = 5;

/** Names of the protocol as the admin API and metrics write them: `requestHeaders` is `request_headers`. */
function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace('web_socket', 'websocket');
}

/** Counts by event and outcome, as `[event, outcome, count]`. */
export function outcomesOf({ stats }: ConfiguredAgent): [event: string, outcome: string, count: number][] {
  return [...stats.questions].map(([key, count]) => {
    const [event = '', outcome = ''] = key.split(' ');
    return [snake(event), snake(outcome), count];
  });
}

/** @returns its state and why */
export function stateOf(agent: ConfiguredAgent): [state: PolicyAgentState, reason: string] {
  const figures = agent.agent?.figures();
  if (agent.drained) return ['drained', 'an operator has it asked nothing'];
  if (figures === undefined || figures.connections.length === 0) return ['away', figures?.problem || awaited(agent)];
  if (figures.breaker === 'open') return ['failing', 'it failed too often and is asked nothing for a while (breaker)'];
  const best = STATES.flatMap((state) => figures.connections.filter((one) => one.state === state))[0];
  return [best?.state ?? 'away', best?.reason ?? ''];
}

/** Of a `reverse` agent that is not there; empty for others. */
function awaited({ name, settings }: ConfiguredAgent): string {
  const ids = settings ? expectedIds(name, settings) : [];
  if (ids.length === 0) return '';
  return `it is expected to dial policyListener and to register as ${ids.slice(0, MAX_IDS).join(' or ')}`;
}

/** @param source where it is said */
export function describePolicyAgent(agent: ConfiguredAgent, source: string): PolicyAgentDto {
  const figures = agent.agent?.figures();
  const [state, reason] = stateOf(agent);
  const outcomes = outcomesOf(agent);
  const sum = (counts: [string, string, number][]): number => counts.reduce((all, [, , count]) => all + count, 0);
  return {
    name: agent.name,
    source,
    address: agent.settings?.address ?? '',
    state,
    state_reason: reason,
    when_unavailable: agent.settings?.whenUnavailable ?? 'closed',
    connection_count: figures?.connections.length ?? 0,
    in_flight: figures?.inFlight ?? 0,
    waiting: figures?.waiting ?? 0,
    questions: sum(outcomes),
    stopped: sum(outcomes.filter(([, outcome]) => STOPS.has(outcome))),
    failures: [...agent.stats.failures.values()].reduce((all, count) => all + count, 0),
  };
}

export function describePolicyAgentDetail(agent: ConfiguredAgent, source: string): PolicyAgentDetailDto {
  const figures: PolicyAgentFigures | undefined = agent.agent?.figures();
  const { reported, stats, updates } = agent;
  return Object.assign(describePolicyAgent(agent, source), {
    settings: settingsOf(agent),
    connections: figures?.connections.map(describeConnection) ?? [],
    drained: agent.drained,
    breaker: figures?.breaker ?? 'closed',
    questions_by_outcome: Object.fromEntries(
      outcomesOf(agent).map(([event, outcome, count]) => [`${event} ${outcome}`, count]),
    ),
    failures_by_reason: Object.fromEntries(stats.failures),
    rule_hits: Object.fromEntries(stats.rules),
    counts: Object.fromEntries(Object.entries(agent.totals()).map(([name, count]) => [snake(name), count])),
    reported_series: reported.size,
    decisions: stats.recent.list().map(describeDecision),
    updates: updates.recent.list().map(describeUpdate),
  });
}

/** Without what nobody may read. */
function settingsOf({ settings }: ConfiguredAgent): object {
  return partOf(
    POLICY_AGENT_SETTINGS.map(({ path, secret }) => {
      const value = valueAt(settings, path);
      return { path, value: secret === true ? hidden(value) : value };
    }),
  );
}

function hidden(value: unknown): unknown {
  if (typeof value === 'string') return value === '' ? '' : HIDDEN;
  return Object.fromEntries(Object.keys(value as object).map((name) => [name, HIDDEN]));
}

function describeConnection(figures: PolicyConnectionFigures): PolicyConnectionDto {
  const { capabilities, capacity, connectedAt, errors, id, inFlight, lastReport } = figures;
  const { paused, reason, remote, requests, state, transport } = figures;
  return {
    ...{ connection_id: id, remote, transport, state, state_reason: reason },
    ...{ connected_at: new Date(connectedAt).toISOString(), paused, in_flight: inFlight, capacity, requests, errors },
    capabilities: describeCapabilities(capabilities),
    ...(lastReport !== undefined && { health_report: describeReport(lastReport) }),
  };
}

function describeCapabilities(capabilities: AgentCapabilities): PolicyAgentCapabilitiesDto {
  const { agentId, features, limits, name, protocolVersion, supportedEvents, version } = capabilities;
  return {
    ...{ agent_id: agentId, name, version, protocol_version: protocolVersion },
    events: [...supportedEvents].map(snake),
    features: Object.entries(features).flatMap(([feature, has]) => (has === true ? [snake(feature)] : [])),
    concurrent_requests: features.concurrentRequests,
    limits: numbersOf(limits),
  };
}

function describeReport(report: HealthReport): HealthReportDto {
  const { disabledFeatures, load, message, resources, state, timeoutMultiplier, timestampMs, unhealthyReason } = report;
  return {
    state,
    message: [message, unhealthyReason].filter((text) => text !== undefined && text !== '').join('; '),
    at: timeOf(timestampMs),
    timeout_multiplier: timeoutMultiplier,
    disabled_features: disabledFeatures,
    ...(load !== undefined && { load: numbersOf(load) }),
    ...(resources !== undefined && { resources: numbersOf(resources) }),
  };
}

/** Agents may say anything of the time. */
function timeOf(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

function numbersOf(figures: object): Record<string, number> {
  const entries = Object.entries(figures) as [string, unknown][];
  return Object.fromEntries(
    entries.flatMap(([name, value]) => (typeof value === 'number' ? [[snake(name), value] as const] : [])),
  );
}

function describeDecision(decision: ShownDecision): PolicyDecisionDto {
  const { at, audit, clientAddress, correlationId, event, outcome, reason, request, status } = decision;
  return {
    ...{ at: new Date(at).toISOString(), correlation_id: correlationId, event: snake(event), outcome: snake(outcome) },
    ...{ reason, status, request, client_address: clientAddress },
    ...(audit !== undefined && {
      audit: {
        tags: audit.tags,
        rule_ids: audit.ruleIds,
        confidence: audit.confidence ?? null,
        reason_codes: audit.reasonCodes,
        custom: audit.custom,
      },
    }),
  };
}
