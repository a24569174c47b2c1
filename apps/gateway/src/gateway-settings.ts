import {
  type DeepPartial,
  type Frozen,
  type LoadInput,
  Reloader,
  checkWindows,
  Group,
  LogSettings,
  type Program,
  type Report,
  ShutdownSettings,
  sourceOf,
} from '@berth/config';
import { GatewayTracingSettings } from '@berth/tracing';
import { isLoopback } from '@berth/node-runtime';
import { VERSION } from './version.js';
import { AccessLogSettings } from './access-log/index.js';
import { AdminSettings, HttpSettings } from './admin/index.js';
import { ConfigPushSettings } from './config-push/index.js';
import { AgentPortsSettings, checkPorts } from './ports/index.js';
import { IngressSettings } from './ingress/index.js';
import { GATEWAY_COMMAND_LINE } from './command-line.js';
import { inspectGateway } from './inspect-gateway.js';
import {
  InspectionSettings,
  listenerFaults,
  PolicyAgentsByName,
  type PolicyAgentsSettings,
  PolicyListenerSettings,
} from './policy-agents/index.js';
import { lockouts, Policies, unknownAgents, type PoliciesSettings } from './policy/index.js';
import type { SettingsLookup } from './reload/index.js';
import { StateSettings } from './state/index.js';
import { AuthSettings, GrpcSettings } from './tunnel/index.js';
import { GatewayTunnelSettings } from './tunnel/index.js';

/** What the gateway can be told: a group for each room. */
export class GatewayConfig {
  @Group('Admin port and port range')
  http = new HttpSettings();

  @Group('Who may use the admin port')
  admin = new AdminSettings();

  @Group('Port that agents dial')
  grpc = new GrpcSettings();

  @Group('Authentication')
  auth = new AuthSettings();

  @Group('Ports of agents')
  agentPorts = new AgentPortsSettings();

  @Group('What outlives the process')
  state = new StateSettings();

  @Group('Relaying of requests')
  ingress = new IngressSettings();

  @Group('Traces')
  tracing = new GatewayTracingSettings();

  @Group('Access log')
  accessLog = new AccessLogSettings();

  @Policies()
  policies: PoliciesSettings = {};

  @PolicyAgentsByName()
  policyAgents: PolicyAgentsSettings = {};

  @Group('Policy agents that dial the gateway')
  policyListener = new PolicyListenerSettings();

  @Group('Policy agents together')
  inspection = new InspectionSettings();

  @Group('Tunnel connections')
  tunnel = new GatewayTunnelSettings();

  @Group('Configurations for agents')
  configPush = new ConfigPushSettings();

  @Group('Shutdown')
  shutdown = new ShutdownSettings();

  @Group('Log')
  log = new LogSettings();
}

/** What the rooms see of it. */
export type GatewaySettings = Frozen<GatewayConfig>;

/** Rules between the gateway's settings. */
function checkGateway(
  { http, admin, grpc, ingress, tunnel, agentPorts, policies, policyAgents, policyListener }: GatewaySettings,
  report: Report,
): void {
  if (admin.token === '' && !admin.insecure && !isLoopback(http.host)) {
    const what = `is needed because http.host, ${http.host}, is reached from other machines; set it or admin.tokenFile, or admin.insecure to let everybody in`;
    report('admin.token', what, 'http.host', 'admin.tokenFile', 'admin.insecure');
  }
  checkTls('grpc.tls', grpc.tls, report);
  checkTls('ingress.tls', ingress.tls, report);
  const own = [
    ['http.port', http.port, 'admin', http.host],
    ['grpc.port', grpc.port, 'gRPC', grpc.host],
    ['policyListener.port', policyListener.port, 'policy agents’', policyListener.host],
  ] as const;
  checkPorts(http.agentPortRange, agentPorts, own, report);
  for (const [path, what] of listenerFaults(policyListener, policyAgents)) report(path, what);
  for (const what of unknownAgents(policies, Object.keys(policyAgents))) report('policies', what, 'policyAgents');
  const { staleAfterMs, pingIntervalMs, pingTimeoutMs } = tunnel;
  if (staleAfterMs <= pingIntervalMs + pingTimeoutMs) {
    const what = `must be more than pingIntervalMs and pingTimeoutMs together, ${pingIntervalMs + pingTimeoutMs}`;
    report('tunnel.staleAfterMs', what, 'tunnel.pingIntervalMs', 'tunnel.pingTimeoutMs');
  }
  checkWindows(tunnel, report);
}

/** What the TLS of both kinds of ports has. */
interface ServerTls {
  readonly enabled: boolean;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly clientCert: 'none' | 'request' | 'require';
}

function checkTls(group: 'grpc.tls' | 'ingress.tls', tls: ServerTls, report: Report): void {
  const asksForCertificates = tls.clientCert === 'request' || tls.clientCert === 'require';
  for (const file of ['certFile', 'keyFile'] as const) {
    if (tls.enabled && tls[file] === '') report(`${group}.${file}`, `is needed when ${group}.enabled is true`);
  }
  if (asksForCertificates && tls.caFile === '') {
    report(`${group}.caFile`, `is needed when ${group}.clientCert is ${tls.clientCert}`);
  }
  // Without TLS nobody would be asked: an operator who wants certificates must not get an open port.
  if (asksForCertificates && !tls.enabled) {
    report(`${group}.clientCert`, `has no effect without TLS: set ${group}.enabled`, `${group}.enabled`);
  }
}

/** The gateway's settings, for the loader. */
export const GATEWAY: Program<GatewayConfig> = {
  name: 'berth-gateway',
  version: VERSION,
  summary: 'Gives every agent that dials in an HTTP port of its own.',
  commandLine: GATEWAY_COMMAND_LINE,
  title: 'Gateway',
  defaults: () => new GatewayConfig(),
  envPrefix: '',
  fileName: 'application.yaml',
  fileEnv: 'CONFIG_FILE',
  prepare: (draft) => {
    draft.readSecret('auth.token', 'auth.tokenFile');
    draft.readSecret('admin.token', 'admin.tokenFile');
    draft.readSecret('ingress.affinity.secret', 'ingress.affinity.secretFile');
  },
  check: checkGateway,
  inspect: inspectGateway,
  summarise: ({ policies }) => lockouts(policies).join('; '),
};

const source = sourceOf(GATEWAY);

/** The gateway's settings: `application.yaml`, the environment over it, flags over both. */
export const loadGatewaySettings = source.load;

/** Looks the settings of a running gateway up again, and the file that they are in. */
export function gatewayLookup(started: GatewaySettings, input: LoadInput): SettingsLookup<GatewayConfig> {
  return { reloader: new Reloader(GATEWAY, started, () => source.load(input)), files: [source.fileOf(input)] };
}

/** Frozen gateway settings in code, from what differs from the defaults. */
export const defaultGatewaySettings: (overrides?: DeepPartial<GatewaySettings>) => GatewaySettings =
  source.withDefaults;
