import type { AgentSettings, GatewaySettings } from './gateway-settings.js';
import { isLoopback } from './loopback.js';

/** Reports what is wrong at a path, unless that path or one of `others` is already known to be wrong. */
export type Report = (path: string, what: string, ...others: readonly string[]) => void;

interface Windows {
  readonly windowStartBytes: number;
  readonly windowMaxBytes: number;
}

/** Rules between the gateway's settings. */
export function crossCheckGateway({ http, admin, grpc, tunnel, agentPorts }: GatewaySettings, report: Report): void {
  const { start, end } = http.agentPortRange;
  if (start > end) {
    const what = `start ${start} is above end ${end}`;
    report('http.agentPortRange', what, 'http.agentPortRange.start', 'http.agentPortRange.end');
  }
  if (admin.token === '' && !admin.insecure && !isLoopback(http.host)) {
    const what = `is needed because http.host, ${http.host}, is reached from other machines; set it or admin.tokenFile, or admin.insecure to let everybody in`;
    report('admin.token', what, 'http.host', 'admin.tokenFile', 'admin.insecure');
  }
  for (const [setting, port] of [
    ['http.port', http.port],
    ['grpc.port', grpc.port],
  ] as const) {
    if (port < start || port > end) continue;
    const what = `${port} lies in http.agentPortRange, ${start}-${end}: move one of them`;
    report(setting, what, 'http.agentPortRange.start', 'http.agentPortRange.end');
  }
  crossCheckGatewayTls(grpc.tls, report);
  for (const [id, port] of Object.entries(agentPorts.static)) {
    if (port === http.port) report('agentPorts.static', `port ${port} of agent "${id}" is the admin port`, 'http.port');
    if (port === grpc.port) report('agentPorts.static', `port ${port} of agent "${id}" is the gRPC port`, 'grpc.port');
  }
  const { staleAfterMs, pingIntervalMs, pingTimeoutMs } = tunnel;
  if (staleAfterMs <= pingIntervalMs + pingTimeoutMs) {
    const what = `must be more than pingIntervalMs and pingTimeoutMs together, ${pingIntervalMs + pingTimeoutMs}`;
    report('tunnel.staleAfterMs', what, 'tunnel.pingIntervalMs', 'tunnel.pingTimeoutMs');
  }
  crossCheckWindows(tunnel, report);
}

function crossCheckGatewayTls(tls: GatewaySettings['grpc']['tls'], report: Report): void {
  const asksForCertificates = tls.clientCert === 'request' || tls.clientCert === 'require';
  if (tls.enabled && tls.certFile === '') report('grpc.tls.certFile', 'is needed when grpc.tls.enabled is true');
  if (tls.enabled && tls.keyFile === '') report('grpc.tls.keyFile', 'is needed when grpc.tls.enabled is true');
  if (asksForCertificates && tls.caFile === '') {
    report('grpc.tls.caFile', `is needed when grpc.tls.clientCert is ${tls.clientCert}`);
  }
  // Without TLS nobody would be asked: an operator who wants certificates must not get an open port.
  if (asksForCertificates && !tls.enabled) {
    report('grpc.tls.clientCert', 'has no effect without TLS: set grpc.tls.enabled', 'grpc.tls.enabled');
  }
}

/** Rules between the agent's settings. */
export function crossCheckAgent({ reconnect, tls, tunnel }: AgentSettings, report: Report): void {
  if (reconnect.maxMs < reconnect.minMs) {
    report('reconnect.maxMs', `must not be below reconnect.minMs, ${reconnect.minMs}`, 'reconnect.minMs');
  }
  if (tls.certFile !== '' && tls.keyFile === '') report('tls.keyFile', 'is needed with tls.certFile');
  if (tls.keyFile !== '' && tls.certFile === '') report('tls.certFile', 'is needed with tls.keyFile');
  crossCheckWindows(tunnel, report);
}

function crossCheckWindows({ windowStartBytes, windowMaxBytes }: Windows, report: Report): void {
  if (windowMaxBytes < windowStartBytes) {
    const what = `must not be below tunnel.windowStartBytes, ${windowStartBytes}`;
    report('tunnel.windowMaxBytes', what, 'tunnel.windowStartBytes');
  }
}
