import { networkInterfaces } from 'node:os';
import { bindKey } from '@berth/http-server-pool';
import { isWildcard } from '@berth/node-runtime';
import type { GatewaySettings } from './gateway-settings.js';

/** What a hint is made of besides the settings. */
export interface HintParts {
  readonly grpcPort: number;
  /** made for this run, and so to be shown; empty: another, which is not */
  readonly madeToken: string;
  /** what starts an agent: `berth-agent`, or by npm */
  readonly agent: string;
  /** addresses of this machine, the best first */
  readonly addresses: readonly string[];
}

/** What to run on the machine with the service, to copy; a secret only where it was made for this run. */
export function quickStartHint(
  { grpc, auth, agentPorts }: Pick<GatewaySettings, 'grpc' | 'auth' | 'agentPorts'>,
  { grpcPort, madeToken, agent, addresses }: HintParts,
): string {
  const [address = '127.0.0.1'] = [agentPorts.publicHost, ...addresses].filter((one) => one !== '');
  const gateway = bindKey({ host: isWildcard(grpc.host) ? address : grpc.host, port: grpcPort });
  const secret = auth.token !== madeToken ? `…      # the secret of this gateway` : madeToken;
  return [
    'On the machine with your service, say at port 3000:',
    ...(auth.token === '' ? [] : [`  export BERTH_TOKEN=${secret}`]),
    `  ${agent} 3000 --gateway ${gateway}${grpc.tls.enabled ? ' --tls' : ''}`,
    '',
  ].join('\n');
}

/** IPv4 addresses by which others may reach this machine. */
export function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}
