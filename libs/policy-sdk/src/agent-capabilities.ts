import { type AgentCapabilities, PROTOCOL_VERSION } from '@berth/policy-agents';
import { type Settings, supportedEvents } from './settings.js';

/** What the agent says of itself, as its handlers and options have it. */
export function capabilitiesOf(settings: Settings<never>): AgentCapabilities {
  const events = supportedEvents(settings);
  return {
    protocolVersion: PROTOCOL_VERSION,
    agentId: settings.id,
    name: settings.name,
    version: settings.version,
    supportedEvents: events,
    features: {
      streamingBody: events.has('requestBody') || events.has('responseBody'),
      webSocket: events.has('webSocketFrame'),
      guardrails: events.has('guardrail'),
      configPush: events.has('configure'),
      metricsExport: settings.reportIntervalMs > 0,
      concurrentRequests: settings.concurrency,
      cancellation: true,
      flowControl: true,
      healthReporting: settings.reportIntervalMs > 0,
    },
    limits: {
      maxBodySize: settings.maxBodyBytes,
      maxConcurrency: settings.concurrency,
      preferredChunkSize: settings.preferredChunkBytes,
      maxProcessingTimeMs: settings.handlerTimeoutMs,
    },
    health: {
      reportIntervalMs: settings.reportIntervalMs,
      includeLoadMetrics: true,
      includeResourceMetrics: true,
    },
  };
}
