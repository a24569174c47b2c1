import type { EventKind } from './events.js';

export const PROTOCOL_VERSION = 2;

/** As checklist C15 has them. */
export interface AgentFeatures {
  readonly streamingBody: boolean;
  readonly webSocket: boolean;
  readonly guardrails: boolean;
  readonly configPush: boolean;
  readonly metricsExport: boolean;
  /** it takes this many at once; 0: it does not say */
  readonly concurrentRequests: number;
  readonly cancellation: boolean;
  readonly flowControl: boolean;
  readonly healthReporting: boolean;
}

export interface AgentLimits {
  /** of a body that it wants to see, bytes */
  readonly maxBodySize: number;
  readonly maxConcurrency: number;
  /** bytes */
  readonly preferredChunkSize: number;
  /** bytes */
  readonly maxMemory?: number | undefined;
  readonly maxProcessingTimeMs?: number | undefined;
}

/** For what an agent does not say (checklist C15). */
export const LIMIT_DEFAULTS: AgentLimits = {
  maxBodySize: 10 * 1024 * 1024,
  maxConcurrency: 100,
  preferredChunkSize: 64 * 1024,
  maxProcessingTimeMs: 5000,
};

export interface HealthConfig {
  readonly reportIntervalMs: number;
  readonly includeLoadMetrics: boolean;
  readonly includeResourceMetrics: boolean;
}

/** What an agent says of itself when it is reached, or registers. */
export interface AgentCapabilities {
  readonly protocolVersion: number;
  readonly agentId: string;
  readonly name: string;
  readonly version: string;
  readonly supportedEvents: ReadonlySet<EventKind>;
  readonly features: AgentFeatures;
  readonly limits: AgentLimits;
  readonly health?: HealthConfig | undefined;
}

/** What the side of the proxy says of itself first. */
export interface ProxyHello {
  readonly proxyId: string;
  readonly proxyVersion: string;
  /** JSON text of the first configuration; undefined: none */
  readonly configJson?: string | undefined;
}
