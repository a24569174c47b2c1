import { type Frozen, Group, Integer, MAX_MS } from '@berth/config';
import { registerAs } from '@nestjs/config';
import { AgentsSettings } from '../agents/index.js';
import { SiloSettings } from './silo/silo.settings.js';

export class GatewayTunnelSettings extends AgentsSettings {
  @Integer(1, MAX_MS, { description: 'Time between two pings.' })
  pingIntervalMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Time until the answer to a ping must be there; then the connection is closed.' })
  pingTimeoutMs = 10_000;

  @Integer(1, 1_000_000, {
    description:
      'TCP connections to the gRPC port that are read and have no registered agent, at a time; the oldest one makes room for the next. As many again wait to be read. At most a sixteenth of the descriptors each.',
  })
  maxPendingHandshakes = 400;

  @Integer(1, 1_000_000, {
    description: 'The same of one address (of one /64 network with IPv6): agents behind one NAT that come at once.',
  })
  maxPendingHandshakesPerAddress = 200;

  @Integer(16_384, 1_048_576, {
    description: 'Bytes that a connection may cost until its Hello is accepted: heads, messages, and objects for them.',
  })
  maxHelloBytes = 32_768;

  @Group('Agents of silo-proxy')
  silo = new SiloSettings();
}

export const tunnelConfig = registerAs(
  'berth.tunnel',
  (): Frozen<GatewayTunnelSettings> => new GatewayTunnelSettings(),
);
