import { Choice, Integer, MAX_MS, WindowSettings } from '@berth/config';

export class GatewayTunnelSettings extends WindowSettings {
  @Integer(1, MAX_MS, { description: 'Time from the start of a connection to its completed handshake.' })
  handshakeTimeoutMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Time between two pings.' })
  pingIntervalMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Time until the answer to a ping must be there; then the connection is closed.' })
  pingTimeoutMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Time between two searches for stale connections.' })
  sweepIntervalMs = 30_000;

  @Integer(1, MAX_MS, {
    description: 'Silence after which a connection is dropped; more than one ping interval and timeout together.',
  })
  staleAfterMs = 120_000;

  @Integer(1, 1024, { description: 'Connections that one agent may hold.' })
  maxConnectionsPerAgent = 16;

  @Integer(1, 1_000_000, {
    description:
      'TCP connections to the gRPC port without a registered agent at a time; the oldest one makes room for the next.',
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
