import {
  type AgentCapabilities,
  type AgentFeatures,
  type AgentLimits,
  type HealthConfig,
  LIMIT_DEFAULTS,
  PROTOCOL_VERSION,
} from '../capabilities.js';
import type { EventKind } from '../events.js';
import { count, type Fields, flag, inner, list, optionalCount, text } from './fields.js';
import { eventNumber, eventOf } from './numbers.js';

/** Characters of a name that an agent says of itself; the rest is left out. */
const MAX_NAME = 256;

/** What chunks that an agent wants are at most, bytes: base64 and all they fit into any message. */
const MAX_CHUNK_BYTES = 4_194_304;

export function writeCapabilities(of: AgentCapabilities): Fields {
  const { features, limits, health } = of;
  return {
    protocol_version: of.protocolVersion,
    agent_id: of.agentId,
    name: of.name,
    version: of.version,
    supported_events: Array.from(of.supportedEvents, eventNumber),
    features: {
      streaming_body: features.streamingBody,
      websocket: features.webSocket,
      guardrails: features.guardrails,
      config_push: features.configPush,
      metrics_export: features.metricsExport,
      concurrent_requests: features.concurrentRequests,
      cancellation: features.cancellation,
      flow_control: features.flowControl,
      health_reporting: features.healthReporting,
    },
    limits: {
      max_body_size: limits.maxBodySize,
      max_concurrency: limits.maxConcurrency,
      preferred_chunk_size: limits.preferredChunkSize,
      max_memory: limits.maxMemory,
      max_processing_time_ms: limits.maxProcessingTimeMs,
    },
    health_config:
      health === undefined
        ? undefined
        : {
            report_interval_ms: health.reportIntervalMs,
            include_load_metrics: health.includeLoadMetrics,
            include_resource_metrics: health.includeResourceMetrics,
          },
  };
}

/**
 * What an agent does not say is as {@link LIMIT_DEFAULTS} has it; limits of 0 are not said. Events that nobody knows
 * are left out.
 *
 * @throws Error when it is no such message
 */
export function readCapabilities(from: Fields): AgentCapabilities {
  return {
    protocolVersion: count(from, 'protocol_version') || PROTOCOL_VERSION,
    agentId: text(from, 'agent_id').slice(0, MAX_NAME),
    name: text(from, 'name').slice(0, MAX_NAME),
    version: text(from, 'version').slice(0, MAX_NAME),
    supportedEvents: new Set(
      list(from, 'supported_events')
        .map(eventOf)
        .filter((kind): kind is EventKind => kind !== undefined),
    ),
    features: readFeatures(inner(from, 'features') ?? {}),
    limits: readLimits(inner(from, 'limits')),
    health: readHealthConfig(inner(from, 'health_config')),
  };
}

function readFeatures(from: Fields): AgentFeatures {
  return {
    streamingBody: flag(from, 'streaming_body'),
    webSocket: flag(from, 'websocket'),
    guardrails: flag(from, 'guardrails'),
    configPush: flag(from, 'config_push'),
    metricsExport: flag(from, 'metrics_export'),
    concurrentRequests: count(from, 'concurrent_requests'),
    cancellation: flag(from, 'cancellation'),
    flowControl: flag(from, 'flow_control'),
    healthReporting: flag(from, 'health_reporting'),
  };
}

function readLimits(from: Fields | undefined): AgentLimits {
  if (from === undefined) return LIMIT_DEFAULTS;
  return {
    maxBodySize: count(from, 'max_body_size') || LIMIT_DEFAULTS.maxBodySize,
    maxConcurrency: count(from, 'max_concurrency') || LIMIT_DEFAULTS.maxConcurrency,
    preferredChunkSize: Math.min(
      count(from, 'preferred_chunk_size') || LIMIT_DEFAULTS.preferredChunkSize,
      MAX_CHUNK_BYTES,
    ),
    maxMemory: optionalCount(from, 'max_memory'),
    maxProcessingTimeMs: optionalCount(from, 'max_processing_time_ms'),
  };
}

function readHealthConfig(from: Fields | undefined): HealthConfig | undefined {
  if (from === undefined) return undefined;
  return {
    reportIntervalMs: count(from, 'report_interval_ms'),
    includeLoadMetrics: flag(from, 'include_load_metrics'),
    includeResourceMetrics: flag(from, 'include_resource_metrics'),
  };
}
