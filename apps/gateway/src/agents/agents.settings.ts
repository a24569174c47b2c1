import { type Frozen, Choice, Group, Integer, List, MAX_MS, Texts, WindowSettings } from '@berth/config';
import { registerAs } from '@nestjs/config';
import { type StrategyName, STRATEGIES } from '@berth/agent-pool';
import { checkIdPattern, checkPatternWords } from '@berth/exchange';
import { ReportedMetricsSettings } from '../reported-metrics/index.js';
import { AdmissionSettings } from './admission.settings.js';
import { OutlierSettings } from './outliers.settings.js';
import { ProbeSettings } from './probe.settings.js';

const DUPLICATE_POLICIES = ['probe', 'replace', 'reject', 'share'] as const;

/**
 * Another process with the id of a connected agent is taken when the one that
 * holds it is silent, takes over, is refused, or becomes another replica.
 */
export type DuplicatePolicy = (typeof DUPLICATE_POLICIES)[number];

function checkIdPatterns(value: readonly string[]): string | undefined {
  return value.map(checkIdPattern).find((wrong) => wrong !== undefined);
}

/** The part of `tunnel` that the registry goes by. */
export class AgentsSettings extends WindowSettings {
  @Integer(1, MAX_MS, { description: 'Time for the handshake of a connection, from when it begins to be read.' })
  handshakeTimeoutMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Time between two searches for stale connections.' })
  sweepIntervalMs = 30_000;

  @Integer(1, MAX_MS, {
    description: 'Silence after which a connection is dropped; more than one ping interval and timeout together.',
    live: true,
  })
  staleAfterMs = 120_000;

  @List({
    check: checkIdPatterns,
    description: 'Agent ids that may register, exact or with `*` for any characters; empty: all.',
    live: true,
  })
  allowedAgentIds: string[] = [];

  @Integer(0, 1_000_000, {
    description: 'Agents that may be connected at a time; 0: as many as there are ports.',
    live: true,
  })
  maxAgents = 0;

  @Integer(0, 1_000_000, {
    description: 'Agents of one address (of one /64 network with IPv6) that may be connected at a time; 0: no limit.',
    live: true,
  })
  maxAgentsPerAddress = 0;

  @Integer(0, 1_000_000, {
    description:
      'Agents that are away and are shown with the time and the reason of their leaving (`GET /agents?state=offline`), over restarts where `state.file` is set. Of more, those that left first are forgotten; 0: none is shown.',
    live: true,
  })
  rememberedAgents = 1000;

  @Integer(1, 1024, {
    description: 'Connections that one agent may hold; each of its replicas where they share.',
    live: true,
  })
  maxConnectionsPerAgent = 16;

  @Choice(Object.keys(STRATEGIES), {
    description:
      'Which connection of an agent takes the next request: the least loaded (latency times requests under way), the one with the fewest, each in turn, the one with the fewest failures, or any.',
  })
  poolStrategy: StrategyName = 'leastLoaded';

  @Choice(DUPLICATE_POLICIES, {
    description:
      'What happens when another process comes with the id of a connected agent: it wins if the first one answers no ping; it wins; it is refused; or both serve, as replicas that share the requests.',
  })
  duplicateAgent: DuplicatePolicy = 'probe';

  @Texts({
    check: checkPatternWords(DUPLICATE_POLICIES),
    description:
      'The same for single agents: ids, exact or with `*` for any characters, with the word for each. An exact id goes first, then the first pattern that fits.',
  })
  duplicateAgents: Record<string, DuplicatePolicy> = {};

  @Integer(1, 1024, { description: 'Replicas that one agent may have where they share.', live: true })
  maxReplicasPerAgent = 16;

  @Integer(0, MAX_MS, {
    description: 'Time in which a replica that comes to others grows into its part of the requests; 0: at once.',
  })
  slowStartMs = 10_000;

  @Group()
  outliers = new OutlierSettings();

  @Group()
  admission = new AdmissionSettings();

  @Group()
  probe = new ProbeSettings();

  @Group()
  reportedMetrics = new ReportedMetricsSettings();

  @Integer(1, MAX_MS, {
    description:
      'Time in which the process that holds an id must answer that ping; at most half of handshakeTimeoutMs counts.',
  })
  duplicateProbeMs = 1000;

  @Integer(0, MAX_MS, {
    description: 'Time that requests under way get when an operator disconnects an agent (`DELETE /agents/:id`).',
    live: true,
  })
  drainTimeoutMs = 30_000;
}

export const agentsConfig = registerAs('berth.agents', (): Frozen<AgentsSettings> => new AgentsSettings());
