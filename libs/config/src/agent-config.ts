import { checkAgentId, checkHostAndPort, checkTexts, MAX_MS } from './checks.js';
import { LogConfig, MAX_HEADER_BYTES, ShutdownConfig, WindowConfig } from './common-config.js';
import type { AgentSettings } from './gateway-settings.js';
import { checkProxy } from './proxy.js';
import { File, Group, Integer, Switch, Text, Texts } from './setting.js';
import { checkTarget, TARGET_FORMS } from './target.js';

class AgentTlsConfig {
  @Switch({
    alias: '--tls',
    description: 'TLS towards the gateway; on by itself when a file below is given, unless switched off.',
  })
  enabled = false;

  @File({
    alias: '--tls-ca',
    description: "PEM file with the CA of the gateway's certificate; empty: the well-known ones.",
  })
  caFile = '';

  @File({ alias: '--tls-cert', description: "PEM file with the agent's certificate chain; its common name is the id." })
  certFile = '';

  @File({ alias: '--tls-key', description: "PEM file with the private key of the agent's certificate." })
  keyFile = '';

  @Text({ description: "Name to check the gateway's certificate for, when it differs from the one dialled." })
  serverName = '';
}

class ReconnectConfig {
  @Integer(1, MAX_MS, { description: 'Longest wait before the first new attempt; it doubles with each attempt.' })
  minMs = 1000;

  @Integer(1, MAX_MS, { description: 'Longest wait between two attempts.' })
  maxMs = 30_000;

  @Integer(1, MAX_MS, { description: 'Longest wait while nobody answers and the loss is younger than earlyForMs.' })
  earlyMaxMs = 2000;

  @Integer(0, MAX_MS, { description: 'Time for which a lost gateway is looked for at that pace; 0: not at all.' })
  earlyForMs = 60_000;

  @Integer(0, MAX_MS, { description: 'Time a connection must have lasted for the wait to start small again.' })
  stableAfterMs = 10_000;
}

class LocalTlsConfig {
  @File({
    description: "PEM file with the CA of an https target's certificate, or the certificate itself if self-signed.",
  })
  caFile = '';

  @Text({ description: "Name to ask an https target for and to check its certificate for; empty: the target's host." })
  serverName = '';

  @Switch({
    description: "Whether an https target's certificate is checked; without, anybody may answer in its place.",
  })
  verify = true;
}

class LocalConfig {
  @Integer(1, MAX_MS, { description: 'Time until a connection to the local service must stand.' })
  connectTimeoutMs = 5000;

  @Integer(0, MAX_MS, {
    description: "Time until the local service's response head must have come; 0 leaves it to the gateway.",
  })
  responseTimeoutMs = 0;

  @Integer(0, MAX_MS, {
    description:
      'Time without a byte after which the request to the local service is ended; 0 leaves it to the gateway.',
  })
  idleTimeoutMs = 0;

  @Integer(0, 1_000_000, {
    description:
      'Connections to the local service at a time; further exchanges wait for one. 0: as many as descriptors and memory of the process allow.',
  })
  maxConnections = 0;

  @Integer(0, MAX_MS, {
    description:
      'Time without one of local.maxConnections becoming free after which exchanges that wait are refused with 503; 0: none waits.',
  })
  queueTimeoutMs = 1000;

  @Integer(1024, MAX_HEADER_BYTES, { description: "Size of the local service's response head; above it, 502." })
  maxHeaderBytes = 32_768;

  @Integer(0, MAX_MS, {
    description:
      'Time an unused connection to the local service is kept; less than the service keeps it; 0: none is used twice.',
  })
  keepAliveMs = 4000;

  @Group()
  tls = new LocalTlsConfig();
}

class AgentTunnelConfig extends WindowConfig {
  @Integer(1, MAX_MS, { description: 'Time from dialling to the completed handshake.' })
  handshakeTimeoutMs = 10_000;

  @Integer(0, 1_000_000, {
    description:
      'Exchanges that one connection takes at a time; further ones get 503. 0: 32768, or fewer where descriptors and memory of the process do not allow that.',
  })
  maxExchanges = 0;
}

/** The agent's settings with their defaults and rules; {@link AgentSettings} is what other rooms see of it. */
export class AgentConfig implements AgentSettings {
  @Text({
    check: checkTarget,
    required: `is missing: ${TARGET_FORMS}; as the first argument, as AGENT_TARGET or as target in the file`,
    description:
      'Local service: http://host:port, https://host:port, unix:/path/to.sock; also host:3000, or 3000 alone.',
  })
  target = '';

  @Text({
    check: checkAgentId,
    required: 'is missing: give --id, AGENT_ID or id in the file',
    description: 'Id of this agent, unique at the gateway: 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit first.',
  })
  id = '';

  @Text({ check: checkHostAndPort, description: 'Host and gRPC port of the gateway, as host:port.' })
  gateway = '127.0.0.1:9090';

  @Text({
    check: checkProxy,
    description:
      'HTTP proxy on the way to the gateway, as http://host:port or http://user:password@host:port; none: go without. If not given: HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY names the gateway.',
  })
  proxy = '';

  @Text({
    secret: true,
    description: 'Shared secret that the gateway asks for. Prefer the file or the environment.',
  })
  token = '';

  @File({ description: 'File that holds the shared secret; instead of the token itself.' })
  tokenFile = '';

  @Integer(1, 64, { description: 'Connections to hold to the gateway.' })
  connections = 1;

  @Texts({ check: checkTexts, description: 'What the gateway shows about this agent: names and texts.' })
  metadata: Record<string, string> = {};

  @Group()
  tls = new AgentTlsConfig();

  @Group()
  reconnect = new ReconnectConfig();

  @Group()
  local = new LocalConfig();

  @Group()
  tunnel = new AgentTunnelConfig();

  @Group()
  shutdown = new ShutdownConfig();

  @Group()
  log = new LogConfig();
}
