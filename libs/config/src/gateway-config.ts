import { checkHost, checkHostNames, checkOptionalHost, checkOrigins, checkStaticPorts, MAX_MS } from './checks.js';
import { LogConfig, MAX_HEADER_BYTES, ShutdownConfig, WindowConfig } from './common-config.js';
import type { GatewaySettings } from './gateway-settings.js';
import { Choice, File, Group, Integer, List, Ports, Switch, Text } from './setting.js';

class AgentPortRangeConfig {
  @Integer(1, 65_535, { description: 'First port that agents are given.' })
  start = 8100;

  @Integer(1, 65_535, { description: 'Last port that agents are given; it belongs to the range.' })
  end = 8200;
}

class HttpConfig {
  @Text({ check: checkHost, description: 'Address of the admin port.' })
  host = '127.0.0.1';

  @Integer(0, 65_535, { description: 'Admin port: agents, health, metrics, API description; 0 takes any free one.' })
  port = 8080;

  @List({
    check: checkHostNames,
    description:
      'Names by which the admin port may be addressed, besides IP addresses, `localhost` and `http.host`; `*`: any.',
  })
  allowedHosts: string[] = [];

  @Integer(1, MAX_MS, { description: 'Time until the head of a request to the admin port must be there; then 408.' })
  headersTimeoutMs = 10_000;

  @Integer(1, MAX_MS, {
    description:
      'Time until a whole request to the admin port must be there, and time that its client may take nothing of the answer.',
  })
  requestTimeoutMs = 30_000;

  @Group()
  agentPortRange = new AgentPortRangeConfig();
}

class AdminConfig {
  @Text({
    secret: true,
    description:
      'Secret that requests to the admin port must show (`Authorization: Bearer …`); needed where the port listens beyond loopback. Prefer the file or the environment.',
  })
  token = '';

  @File({ description: 'File that holds that secret; instead of the token itself.' })
  tokenFile = '';

  @Switch({ description: 'The admin port may listen beyond loopback without a token: whoever reaches it is let in.' })
  insecure = false;

  @Switch({ description: 'Metrics are shown without the token, as the health probes are.' })
  openMetrics = false;
}

class GrpcTlsConfig {
  @Switch({ description: 'TLS on the gRPC port.' })
  enabled = false;

  @File({ description: "PEM file with the gateway's certificate chain; needed with TLS." })
  certFile = '';

  @File({ description: "PEM file with the certificate's private key; needed with TLS." })
  keyFile = '';

  @File({ description: 'PEM file with the CA that signs client certificates.' })
  caFile = '';

  @Choice(['none', 'request', 'require'], {
    description:
      'Client certificates: not asked for, checked when one comes, or demanded. The common name must be the agent id.',
  })
  clientCert: 'none' | 'request' | 'require' = 'none';
}

class GrpcConfig {
  @Text({ check: checkHost, description: 'Address of the port that agents dial.' })
  host = '0.0.0.0';

  @Integer(0, 65_535, { description: 'Port that agents dial; 0 takes any free one.' })
  port = 9090;

  @Group()
  tls = new GrpcTlsConfig();
}

class AuthConfig {
  @Text({
    secret: true,
    alias: '--token',
    description: 'Shared secret that agents must show; empty: none is asked for. Prefer the file or the environment.',
  })
  token = '';

  @File({ alias: '--token-file', description: 'File that holds the shared secret; instead of the token itself.' })
  tokenFile = '';
}

class AgentPortsConfig {
  @Text({ check: checkHost, description: "Address of the agents' HTTP ports." })
  host = '0.0.0.0';

  @Text({
    check: checkOptionalHost,
    description: 'Host shown to people in addresses of agents; empty: the one that the agent dialled.',
  })
  publicHost = '';

  @Ports({ check: checkStaticPorts, description: 'Ports that belong to certain agents: agent id and port.' })
  static: Record<string, number> = {};

  @Integer(0, MAX_MS, {
    description: 'Time a port keeps listening, and answers 503, after its agent left; 0: it stops at once.',
  })
  holdMs = 0;

  @Integer(0, MAX_MS, { description: 'Time that requests under way get when an agent server stops.' })
  stopGraceMs = 5000;

  @Integer(1, 100, {
    description: 'Ports tried in all when one cannot be bound; those that other programs hold do not count.',
  })
  bindAttempts = 3;

  @Integer(0, MAX_MS, {
    description: 'Time that a port which another program was found to hold is passed over while others are free.',
  })
  foreignMs = 60_000;

  @List({
    check: checkOrigins,
    description: "Origins allowed by CORS on agents' ports; `*` means all, none means that CORS is off.",
  })
  corsOrigins: string[] = [];

  @Integer(0, 1_000_000, {
    description:
      'Client connections that one agent port takes at a time; further ones get 503. 0: seven eighths of maxTotalConnections, 32768 at most.',
  })
  maxConnections = 0;

  @Integer(0, 1_000_000, {
    description:
      'Client connections, each with one exchange at a time, that one address (IPv6: one /64 network) may have on an agent port; further ones get 503. 0: seven eighths of maxConnections, 16384 at most.',
  })
  maxConnectionsPerAddress = 0;

  @Integer(0, 10_000_000, {
    description:
      'Client connections of all agent ports together; further ones get 503. 0: as many as descriptors and memory of the process allow beside agents and the admin port.',
  })
  maxTotalConnections = 0;
}

class IngressConfig {
  @Integer(1, MAX_MS, {
    description:
      "Time until the agent's response head must have come, from the last byte of the request, or from when the service was last seen to take some of it or to send an interim response; then 504.",
  })
  responseTimeoutMs = 120_000;

  @Integer(1, MAX_MS, {
    description: 'Time until the body of a request must have begun, unless the answer has; then 408.',
  })
  bodyStartTimeoutMs = 30_000;

  @Integer(0, 1_000_000_000, {
    description:
      'Bytes per second that a client must send of a body until the answer begins, and take of an answer that waits for it; 0: no such rate. Upgrades and event streams are not measured.',
    unit: 'bytes/s',
  })
  minRateBytesPerSecond = 100;

  @Integer(1, MAX_MS, {
    description:
      'Time over which minRateBytesPerSecond is measured; a slower body gets 408, a slower answer is broken off. Long, because clients may pause, and a socket shows what a client has taken in steps of up to 1.4 MB.',
  })
  rateWindowMs = 300_000;

  @Integer(1, MAX_MS, { description: 'Time without a byte in either direction after which an exchange is ended.' })
  idleTimeoutMs = 300_000;

  @Integer(1, MAX_MS, { description: "Time until a client's request head must be there; then 408." })
  headersTimeoutMs = 30_000;

  @Integer(1, MAX_MS, { description: 'Time that an unused client connection is kept open.' })
  keepAliveTimeoutMs = 65_000;

  @Integer(0, MAX_MS, {
    description: 'Time that a client which closed its sending half still gets its answer, before it counts as gone.',
  })
  halfCloseGraceMs = 500;

  @Integer(1024, MAX_HEADER_BYTES, { description: 'Size of a request head; above it, 431.' })
  maxHeaderBytes = 32_768;

  @Integer(256, MAX_HEADER_BYTES, { description: 'Size of a request target (path and query); above it, 414.' })
  maxTargetBytes = 16_384;

  @Integer(0, 1_000_000, {
    description:
      'Requests that wait behind others of their connections, at all ports together, beyond 16 for each connection; a client whose requests find no room is cut off. Each costs about 5 KB, and what one client can send ahead is 2,500.',
  })
  maxPipelined = 8192;

  @Integer(0, Number.MAX_SAFE_INTEGER, { description: 'Size of a request body; above it, 413. 0: no limit.' })
  maxBodyBytes = 0;

  @Choice(['append', 'replace', 'off'], {
    description: 'X-Forwarded-* and Forwarded: add to what the client sent, replace it, or pass it on as it came.',
  })
  forwardedHeaders: 'append' | 'replace' | 'off' = 'append';

  @Integer(0, 86_400, { description: 'Value of Retry-After in 503 answers.' })
  retryAfterSeconds = 1;
}

class GatewayTunnelConfig extends WindowConfig {
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

/** The gateway's settings with their defaults and rules; {@link GatewaySettings} is what other rooms see of it. */
export class GatewayConfig implements GatewaySettings {
  @Group()
  http = new HttpConfig();

  @Group()
  admin = new AdminConfig();

  @Group()
  grpc = new GrpcConfig();

  @Group()
  auth = new AuthConfig();

  @Group()
  agentPorts = new AgentPortsConfig();

  @Group()
  ingress = new IngressConfig();

  @Group()
  tunnel = new GatewayTunnelConfig();

  @Group()
  shutdown = new ShutdownConfig();

  @Group()
  log = new LogConfig();
}
