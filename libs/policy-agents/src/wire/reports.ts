import type { Pong } from '../link.js';
import {
  FLOW_ACTIONS,
  type FlowSignal,
  HEALTH_STATES,
  type HealthReport,
  LOG_LEVELS,
  type LoadFigures,
  type LogReport,
  type ResourceFigures,
} from '../reports.js';
import {
  count,
  decimal,
  type Fields,
  flag,
  inner,
  optionalCount,
  optionalDecimal,
  optionalText,
  text,
  textMap,
  texts,
} from './fields.js';
import { numberOf, wordOf } from './numbers.js';

export function writeHealth(of: HealthReport): Fields {
  const { load, resources } = of;
  return {
    agent_id: of.agentId,
    state: numberOf(HEALTH_STATES, of.state),
    message: of.message,
    load: load && {
      in_flight: load.inFlight,
      queue_depth: load.queueDepth,
      avg_latency_ms: load.avgLatencyMs,
      p50_latency_ms: load.p50LatencyMs,
      p95_latency_ms: load.p95LatencyMs,
      p99_latency_ms: load.p99LatencyMs,
      requests_processed: load.requestsProcessed,
      requests_rejected: load.requestsRejected,
      requests_timed_out: load.requestsTimedOut,
    },
    resources: resources && {
      cpu_percent: resources.cpuPercent,
      memory_bytes: resources.memoryBytes,
      memory_limit: resources.memoryLimit,
      active_threads: resources.activeThreads,
      open_fds: resources.openFds,
      fd_limit: resources.fdLimit,
      connections: resources.connections,
    },
    valid_until_ms: of.validUntilMs,
    timestamp_ms: of.timestampMs,
    disabled_features: of.disabledFeatures,
    timeout_multiplier: of.timeoutMultiplier,
    drain_eta_ms: of.drainEtaMs,
    unhealthy_reason: of.unhealthyReason,
    recoverable: of.recoverable,
  };
}

/**
 * The state is a number; in the framings it may be an object as well, with a word as `status` and what belongs to it.
 *
 * @throws Error when it is no such message
 */
export function readHealth(from: Fields): HealthReport {
  const tagged = typeof from['state'] === 'object' ? inner(from, 'state') : undefined;
  const more = tagged ?? from;
  return {
    kind: 'health',
    agentId: text(from, 'agent_id'),
    state: tagged
      ? wordOf(HEALTH_STATES, HEALTH_STATES.indexOf(text(tagged, 'status') as never) + 1, 'state of health')
      : wordOf(HEALTH_STATES, count(from, 'state'), 'state of health'),
    message: optionalText(from, 'message'),
    load: readLoad(inner(from, 'load')),
    resources: readResources(inner(from, 'resources')),
    validUntilMs: optionalCount(from, 'valid_until_ms'),
    timestampMs: count(from, 'timestamp_ms'),
    disabledFeatures: texts(more, 'disabled_features'),
    timeoutMultiplier: decimal(more, 'timeout_multiplier') || 1,
    drainEtaMs: optionalCount(more, tagged ? 'eta_ms' : 'drain_eta_ms'),
    unhealthyReason: optionalText(more, tagged ? 'reason' : 'unhealthy_reason'),
    recoverable: flag(more, 'recoverable'),
  };
}

function readLoad(from: Fields | undefined): LoadFigures | undefined {
  return (
    from && {
      inFlight: count(from, 'in_flight'),
      queueDepth: count(from, 'queue_depth'),
      avgLatencyMs: decimal(from, 'avg_latency_ms'),
      p50LatencyMs: decimal(from, 'p50_latency_ms'),
      p95LatencyMs: decimal(from, 'p95_latency_ms'),
      p99LatencyMs: decimal(from, 'p99_latency_ms'),
      requestsProcessed: count(from, 'requests_processed'),
      requestsRejected: count(from, 'requests_rejected'),
      requestsTimedOut: count(from, 'requests_timed_out'),
    }
  );
}

function readResources(from: Fields | undefined): ResourceFigures | undefined {
  return (
    from && {
      cpuPercent: optionalDecimal(from, 'cpu_percent'),
      memoryBytes: optionalCount(from, 'memory_bytes'),
      memoryLimit: optionalCount(from, 'memory_limit'),
      activeThreads: optionalCount(from, 'active_threads'),
      openFds: optionalCount(from, 'open_fds'),
      fdLimit: optionalCount(from, 'fd_limit'),
      connections: optionalCount(from, 'connections'),
    }
  );
}

export function writeFlow(of: FlowSignal): Fields {
  return {
    correlation_id: of.correlationId,
    action: numberOf(FLOW_ACTIONS, of.action),
    buffer_available: of.bufferAvailable,
    timestamp_ms: of.timestampMs,
  };
}

const FLOW_WORDS = ['pause', 'resume', 'update_capacity'];

/**
 * The action is a number; in the framings it may be an object as well, with a word as `type` and what belongs to it.
 *
 * @throws Error when it is no such message
 */
export function readFlow(from: Fields): FlowSignal {
  const tagged = typeof from['action'] === 'object' ? inner(from, 'action') : undefined;
  const number = tagged ? FLOW_WORDS.indexOf(text(tagged, 'type')) + 1 : count(from, 'action');
  return {
    kind: 'flow',
    correlationId: optionalText(from, 'correlation_id') || undefined,
    action: wordOf(FLOW_ACTIONS, number, 'action of flow control'),
    bufferAvailable: optionalCount(tagged ?? from, 'buffer_available'),
    timestampMs: count(from, 'timestamp_ms'),
  };
}

export function writeLog(of: LogReport): Fields {
  return {
    level: numberOf(LOG_LEVELS, of.level),
    message: of.message,
    correlation_id: of.correlationId,
    fields: of.fields,
    timestamp_ms: of.timestampMs,
  };
}

/** @throws Error when it is no such message */
export function readLog(from: Fields): LogReport {
  return {
    kind: 'log',
    level: wordOf(LOG_LEVELS, count(from, 'level'), 'level of a log message'),
    message: text(from, 'message'),
    correlationId: optionalText(from, 'correlation_id'),
    fields: textMap(from, 'fields'),
    timestampMs: count(from, 'timestamp_ms'),
  };
}

export function writePong(of: Pong): Fields {
  return { sequence: of.sequence, ping_timestamp_ms: of.pingTimestampMs, timestamp_ms: of.timestampMs };
}

/** Agents of the original send back what they got: the time is that of the ping then. */
export function readPong(from: Fields): Pong {
  const timestampMs = count(from, 'timestamp_ms');
  return {
    kind: 'pong',
    sequence: count(from, 'sequence'),
    pingTimestampMs: optionalCount(from, 'ping_timestamp_ms') ?? timestampMs,
    timestampMs,
  };
}
