import { accessSync, constants, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePortRange } from '@berth/testing';
import type { Processes, Running } from './processes.js';
import { root } from './repository.js';

/** Where `setup.sh` puts the programs of frp 0.61.0, if it can. */
const DIRECTORY = join(root, 'bench/.frp');
const READY_MS = 10_000;

export interface Frp {
  /** where clients connect */
  readonly port: number;
  readonly server: Running;
  readonly client: Running;
}

export function hasFrp(): boolean {
  try {
    for (const name of ['frps', 'frpc']) accessSync(join(DIRECTORY, name), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** frps and frpc as they come, with one port for raw TCP in front of `target`. */
export async function startFrp(processes: Processes, directory: string, target: number, tls: boolean): Promise<Frp> {
  const { start: bind } = await freePortRange(2);
  const port = bind + 1;
  const file = (name: string, lines: readonly string[]): string => {
    const path = join(directory, `${name}-${bind}.toml`);
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  };
  const serverFile = file('frps', ['bindAddr = "127.0.0.1"', `bindPort = ${bind}`, 'proxyBindAddr = "127.0.0.1"']);
  const clientFile = file('frpc', [
    'serverAddr = "127.0.0.1"',
    `serverPort = ${bind}`,
    `transport.tls.enable = ${tls}`,
    '[[proxies]]',
    'name = "bench"',
    'type = "tcp"',
    'localIP = "127.0.0.1"',
    `localPort = ${target}`,
    `remotePort = ${port}`,
  ]);
  const server = processes.start('frps', join(DIRECTORY, 'frps'), ['-c', serverFile]);
  await server.until('its port', READY_MS, async () => await accepts(bind));
  const client = processes.start('frpc', join(DIRECTORY, 'frpc'), ['-c', clientFile]);
  await client.until('its port', READY_MS, async () => await accepts(port));
  return { port, server, client };
}

/** @returns true, or undefined when nobody listens */
function accepts(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(undefined);
    });
  });
}
