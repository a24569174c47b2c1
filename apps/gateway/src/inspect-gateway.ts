import { inspectPem, type Report } from '@berth/config';
import { inspectPortTls } from './certificates/index.js';
import type { GatewaySettings } from './gateway-settings.js';
import { inspectAgents } from './policy-agents/index.js';

/** Looks at the files that the settings name, for `verify`. */
export function inspectGateway(
  { grpc: { tls }, ingress, policyAgents, policyListener }: GatewaySettings,
  report: Report,
): void {
  const names = { caFile: 'grpc.tls.caFile', certFile: 'grpc.tls.certFile', keyFile: 'grpc.tls.keyFile' };
  if (tls.enabled) inspectPem(tls, names, report);
  inspectPortTls(ingress.tls, report);
  inspectAgents(policyAgents, policyListener, report);
}
