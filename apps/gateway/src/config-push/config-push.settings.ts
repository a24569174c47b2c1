import { type Frozen, Integer, MAX_MS } from '@berth/config';
import { registerAs } from '@nestjs/config';

export class ConfigPushSettings {
  @Integer(1, 524_288, { description: 'Largest configuration that is pushed to an agent, as JSON.' })
  maxBytes = 262_144;

  @Integer(1, MAX_MS, {
    description:
      'Time in which an agent must answer a configuration that it was sent, and in which a replica that is away may come back for it.',
    live: true,
  })
  ackTimeoutMs = 10_000;

  @Integer(1, 100, {
    description: 'How often a configuration is sent to a replica whose connection is lost meanwhile.',
    live: true,
  })
  tries = 3;

  @Integer(1, MAX_MS, { description: 'Least time between two of these tries.', live: true })
  retryMs = 2000;

  @Integer(1, 1000, { description: 'Pushes of one agent that may be under way.', live: true })
  maxPendingPerAgent = 100;

  @Integer(0, 1000, {
    description: 'Pushes of one agent that are over and still listed (`GET /agents/:id/config`).',
    live: true,
  })
  history = 100;
}

export const configPushConfig = registerAs(
  'berth.config-push',
  (): Frozen<ConfigPushSettings> => new ConfigPushSettings(),
);
