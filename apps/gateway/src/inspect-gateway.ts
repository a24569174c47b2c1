import { inspectPem, type Report } from '@berth/config';
import { inspectPortTls } from './certificates/index.js';
import type { GatewaySettings } from './gateway-settings.js';

/** Looks at the files that the settings name, for `verify`. */
export function inspectGateway({ grpc: { tls }, ingress, policyListener }: GatewaySettings, report: Report): void {
  const names = { caFile: 'grpc.tls.caFile', certFile: 'grpc.tls.certFile', keyFile: 'grpc.tls.keyFile' };
  if (tls.enabled) inspectPem(tls, names, report);
  inspectPortTls(ingress.tls, report);
  const ofListener = {
    caFile: 'policyListener.tls.caFile',
    certFile: 'policyListener.tls.certFile',
    keyFile: 'policyListener.tls.keyFile',
  };
  if (policyListener.tls.certFile !== '') inspectPem(policyListener.tls, ofListener, report);
}
