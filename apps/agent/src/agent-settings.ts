import { hostname } from 'node:os';
import {
  type Frozen,
  Choice,
  File,
  Group,
  Integer,
  List,
  Ports,
  ShutdownSettings,
  Text,
  Texts,
  checkWindows,
  type Program,
  type Report,
  type DeepPartial,
  sourceOf,
} from '@berth/config';
import { TracingSettings } from '@berth/tracing';
import { AGENT_ID_RULE, isAgentId } from '@berth/exchange';
import { AGENT_COMMAND_LINE } from './cli/command-line.js';
import { LocalSettings } from './forward/local.settings.js';
import {
  AgentSiloSettings,
  AgentTlsSettings,
  AgentTunnelSettings,
  ReconnectSettings,
} from './session/session.settings.js';
import { AgentLogSettings } from './terminal/log.settings.js';
import { ConfigPushSettings } from './pushed-config/config-push.settings.js';
import { AgentMetricsSettings } from './report/metrics.settings.js';
import { VERSION } from './version.js';
import { checkGateway } from './gateway-address.js';
import { checkProxy, normaliseProxy, proxyLayer } from './proxy.js';
import {
  checkExpose,
  checkHostHeaders,
  checkOriginUrls,
  checkPaths,
  checkPorts,
  checkServices,
  checkTexts,
} from './service-settings.js';
import { idFromHostName } from './host-id.js';
import { inspectAgent } from './inspect-agent.js';
import { targetsOf } from './service-offers.js';
import { asTarget, checkTarget } from './target.js';

/** The agent's settings with their defaults and rules; {@link AgentSettings} is what other rooms see of it. */
class AgentConfig {
  @Text({
    check: checkTarget,
    description:
      'Local service: http://host:port, https://host:port, h2c://host:port and h2://host:port for HTTP/2, unix:/path/to.sock, tcp://host:port; also host:3000, or 3000 alone.',
    live: true,
  })
  target = '';

  @Texts({
    check: checkExpose,
    description:
      'Further local services, each with a port of its own: names (a-z 0-9 -) with their targets, written as target is.',
    live: true,
  })
  expose: Record<string, string> = {};

  @Ports({
    check: checkPorts,
    description: 'Ports of the gateway that local services wish for, by their names; that of target is called default.',
    live: true,
  })
  ports: Record<string, number> = {};

  @Texts({
    check: checkPaths,
    description: 'Paths that the gateway asks local services for, to see whether they answer, by their names.',
    live: true,
  })
  healthPaths: Record<string, string> = {};

  @Texts({
    check: checkHostHeaders,
    description: 'local.hostHeader of single local services, by their names.',
    live: true,
  })
  hostHeaders: Record<string, string> = {};

  @Texts({
    check: checkOriginUrls,
    description: 'local.originUrl of single local services, by their names.',
    live: true,
  })
  originUrls: Record<string, string> = {};

  @List({
    description:
      'Names of local services without whose ports the agent serves nothing: it leaves, and tries again later.',
    live: true,
  })
  requiredServices: string[] = [];

  @List({
    description:
      'Names of local services whose ports listen on 127.0.0.1 of the gateway alone, for what runs beside it.',
    live: true,
  })
  loopbackServices: string[] = [];

  @Text({
    // Empty is reported as missing.
    check: (id) => (id === '' || isAgentId(id) ? undefined : `must be ${AGENT_ID_RULE}`),
    required: "is missing, and this host's name gives none: give --id, AGENT_ID or id in the file",
    standard: 'the host name',
    description: 'Id of this agent, unique at the gateway: 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit first.',
  })
  id = '';

  @Text({
    check: checkGateway,
    description:
      'Host and gRPC port of the gateway, as host:port; or srv:_berth._tcp.example.org, the name of DNS SRV records that say where gateways are.',
  })
  gateway = '127.0.0.1:9090';

  @Choice(['berth', 'silo'], {
    description: 'What the gateway speaks: its own protocol, or that of a server of silo-proxy.',
  })
  protocol: 'berth' | 'silo' = 'berth';

  @Text({
    check: checkProxy,
    description:
      'HTTP proxy on the way to the gateway, as http://host:port or http://user:password@host:port; none: go without. If not given: HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY names the gateway.',
  })
  proxy = '';

  @Text({
    secret: true,
    sharedEnv: 'BERTH_TOKEN',
    description: 'Shared secret that the gateway asks for. Prefer the file or the environment.',
  })
  token = '';

  @File({
    sharedEnv: 'BERTH_TOKEN_FILE',
    description: 'File that holds the shared secret; instead of the token itself.',
  })
  tokenFile = '';

  @Integer(1, 64, { description: 'Connections to hold to the gateway.' })
  connections = 1;

  @Integer(0, 1_000_000, {
    description:
      'Exchanges that the agent takes at a time, over all its connections together; further ones wait at the gateway for a while. 0: only tunnel.maxExchanges counts.',
  })
  maxConcurrency = 0;

  @Texts({ check: checkTexts, description: 'What the gateway shows about this agent: names and texts.' })
  metadata: Record<string, string> = {};

  @Group('TLS towards the gateway')
  tls = new AgentTlsSettings();

  @Group('Reconnecting')
  reconnect = new ReconnectSettings();

  @Group('Local service', { live: true })
  local = new LocalSettings();

  @Group('Tunnel connections')
  tunnel = new AgentTunnelSettings();

  @Group('Protocol of silo-proxy')
  silo = new AgentSiloSettings();

  @Group('Pushed configuration')
  configPush = new ConfigPushSettings();

  @Group('Metrics', { live: true })
  metrics = new AgentMetricsSettings();

  @Group('Traces')
  tracing = new TracingSettings();

  @Group('Shutdown', { live: true })
  shutdown = new ShutdownSettings();

  @Group('Log')
  log = new AgentLogSettings();
}

/** What the rooms see of it. */
export type AgentSettings = Frozen<AgentConfig>;

/** What the wire of silo-proxy has no words for is refused, so that nobody counts on it. */
function checkSilo({ connections, maxConcurrency, configPush }: AgentSettings, report: Report): void {
  if (connections > 1) {
    const what = `must be 1 with protocol silo, not ${connections}: each would take the place of the one before`;
    report('connections', what, 'protocol');
  }
  if (maxConcurrency > 0) {
    const what = 'must be 0 with protocol silo, which cannot tell a server how much the agent takes';
    report('maxConcurrency', `${what}: local.maxConnections bounds what reaches the local service`, 'protocol');
  }
  const cannot = 'has no effect with protocol silo, whose servers push no configuration';
  if (configPush.file !== '') report('configPush.file', cannot, 'protocol');
  if (configPush.command.length > 0) report('configPush.command', cannot, 'protocol');
}

/** Rules between the agent's settings. */
function checkAgent(settings: AgentSettings, report: Report): void {
  const { reconnect, tls, tunnel } = settings;
  checkServices(settings, report);
  if (settings.protocol === 'silo') checkSilo(settings, report);
  if (reconnect.maxMs < reconnect.minMs) {
    report('reconnect.maxMs', `must not be below reconnect.minMs, ${reconnect.minMs}`, 'reconnect.minMs');
  }
  if (tls.certFile !== '' && tls.keyFile === '') report('tls.keyFile', 'is needed with tls.certFile');
  if (tls.keyFile !== '' && tls.certFile === '') report('tls.certFile', 'is needed with tls.keyFile');
  checkWindows(tunnel, report);
}

/** The agent's settings, for the loader. */
export const AGENT: Program<AgentConfig> = {
  name: 'berth-agent',
  version: VERSION,
  summary: 'Makes a local service reachable at a port of the gateway.',
  commandLine: AGENT_COMMAND_LINE,
  title: 'Agent',
  defaults: () => new AgentConfig(),
  envPrefix: 'AGENT_',
  positional: 'target',
  fileName: 'agent.yaml',
  fileEnv: 'AGENT_CONFIG_FILE',
  ambient: (env, values) => {
    const gateway = values.findLast(({ path }) => path === 'gateway')?.value ?? new AgentConfig().gateway;
    return typeof gateway === 'string' ? proxyLayer(env, gateway) : [];
  },
  prepare: (draft) => {
    const { root } = draft;
    draft.readSecret('token', 'tokenFile');
    root.id ||= idFromHostName(hostname());
    // Whoever names a certificate wants TLS; only an explicit `false` is stronger.
    if (!draft.isGiven('tls.enabled'))
      root.tls.enabled = [root.tls.caFile, root.tls.certFile, root.tls.keyFile].some((file) => file !== '');
    root.target = asTarget(root.target);
    for (const [name, target] of Object.entries(root.expose)) root.expose[name] = asTarget(target);
    if (typeof root.proxy === 'string') root.proxy = normaliseProxy(root.proxy) ?? root.proxy;
  },
  check: checkAgent,
  inspect: inspectAgent,
  summarise: (settings) => {
    const { gateway, id, protocol } = settings;
    const services = targetsOf(settings).map(([name, target]) => `${name} at ${target}`);
    const spoken = protocol === 'silo' ? ', protocol silo' : '';
    return `agent ${id}, gateway ${gateway}${spoken}, ${services.join(', ')}`;
  },
};

const source = sourceOf(AGENT);

/** The agent's settings: `agent.yaml`, the environment (`AGENT_…`) over it, flags over both. */
export const loadAgentSettings = source.load;

/** Path of the YAML file that they are read from, if there is one. */
export const agentSettingsFile = source.fileOf;

/** Frozen agent settings in code, from target and id and what differs from the defaults. */
export const defaultAgentSettings: (
  overrides: DeepPartial<AgentSettings> & Pick<AgentSettings, 'target' | 'id'>,
) => AgentSettings = source.withDefaults;
