import { type Frozen, Choice, Integer, MAX_MS, WindowSettings } from '@berth/config';
import { registerAs } from '@nestjs/config';
import { type StrategyName, STRATEGIES } from '@berth/agent-pool';

/** The part of `tunnel` that the registry goes by. */
export class AgentsSettings extends WindowSettings {
  @Integer(1, MAX_MS, { description: 'Time from the start of a connection to its completed handshake.' })
  handshakeTimeoutMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Time between two searches for stale connections.' })
  sweepIntervalMs = 30_000;

  @Integer(1, MAX_MS, {
    description: 'Silence after which a connection is dropped; more than one ping interval and timeout together.',
  })
  staleAfterMs = 120_000;

  @Integer(1, 1024, { description: 'Connections that one agent may hold.' })
  maxConnectionsPerAgent = 16;

  @Choice(Object.keys(STRATEGIES), {
    description:
      'Which connection of an agent takes the next request: the least loaded (latency times requests under way), the one with the fewest, each in turn, the one with the fewest failures, or any.',
  })
  poolStrategy: StrategyName = 'leastLoaded';

  @Choice(['probe', 'replace', 'reject'], {
    description:
      'What happens when another process comes with the id of a connected agent: it wins if the first one answers no ping; it wins; or it is refused.',
  })
  duplicateAgent: 'probe' | 'replace' | 'reject' = 'probe';

  @Integer(1, MAX_MS, {
    description:
      'Time in which the process that holds an id must answer that ping; at most half of handshakeTimeoutMs counts.',
  })
  duplicateProbeMs = 1000;

  @Integer(0, MAX_MS, {
    description: 'Time that requests under way get when an operator disconnects an agent (`DELETE /agents/:id`).',
  })
  drainTimeoutMs = 30_000;
}

export const agentsConfig = registerAs('berth.agents', (): Frozen<AgentsSettings> => new AgentsSettings());
