import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gatewayPorts, startAgent, startGateway } from '../lib/berth.js';
import { newCertificate } from '../lib/certificate.js';
import { hasFrp, startFrp } from '../lib/frp.js';
import { cpuMicros } from '../lib/proc-stats.js';
import type { Processes } from '../lib/processes.js';

export type PathName = 'direct' | 'frp' | 'berth' | 'frp-tls' | 'berth-tls';

/** One way to the service, and the processes between it and the client. */
export interface TcpPath {
  readonly name: PathName;
  readonly port: number;
  readonly pids: readonly number[];
}

/** All ways that are measured beside each other; without frp where there is none. */
export async function startTcpPaths(processes: Processes, directory: string, origin: number): Promise<TcpPath[]> {
  const paths: TcpPath[] = [{ name: 'direct', port: origin, pids: [] }];
  for (const tls of [false, true]) {
    const suffix = tls ? '-tls' : '';
    if (hasFrp()) {
      const { port, server, client } = await startFrp(processes, directory, origin, tls);
      paths.push({ name: `frp${suffix}`, port, pids: [server.pid, client.pid] });
    }
    const { port, pids } = await startTcpBerth(processes, directory, origin, tls);
    paths.push({ name: `berth${suffix}`, port, pids });
  }
  return paths;
}

async function startTcpBerth(
  processes: Processes,
  directory: string,
  target: number,
  tls: boolean,
): Promise<{ port: number; pids: number[] }> {
  const cwd = join(directory, tls ? 'berth-tls' : 'berth');
  mkdirSync(cwd);
  const certificate = tls ? newCertificate(cwd) : undefined;
  const ports = await gatewayPorts();
  if (certificate !== undefined) {
    const { certFile, keyFile } = certificate;
    const settings = { grpc: { tls: { enabled: true, certFile, keyFile } } };
    // JSON is YAML.
    writeFileSync(join(cwd, 'application.yaml'), JSON.stringify(settings));
  }
  const gateway = await startGateway(processes, cwd, ports);
  const flags = certificate === undefined ? [] : ['--tls-ca-file', certificate.certFile];
  const options = { cwd, httpPort: ports.http, dial: ports.grpc, target, scheme: 'tcp', flags } as const;
  const { agent, port } = await startAgent(processes, options);
  return { port, pids: [gateway.pid, agent.pid] };
}

/** CPU of a path's processes so far, µs. */
export const cpuOf = ({ pids }: TcpPath): number => pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);
