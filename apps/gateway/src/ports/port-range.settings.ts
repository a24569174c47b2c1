import { type Frozen, Integer } from '@berth/config';
import { registerAs } from '@nestjs/config';

/** The part of `http` that the ports are taken from. */
export class AgentPortRangeSettings {
  @Integer(1, 65_535, { description: 'First port that agents are given.' })
  start = 8100;

  @Integer(1, 65_535, { description: 'Last port that agents are given; it belongs to the range.' })
  end = 8200;
}

export const portRangeConfig = registerAs(
  'berth.http.agentPortRange',
  (): Frozen<AgentPortRangeSettings> => new AgentPortRangeSettings(),
);
