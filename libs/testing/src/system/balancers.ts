import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, freePortRange, owning } from '../index.js';

/** A real load balancer as a process of its own, in front of one port. */
export interface Balancer extends AsyncDisposable {
  port: number;
}

/** Where Debian has them, which is not on everybody's PATH. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };
const works = (program: string, args: readonly string[]): boolean => spawnSync(program, args, { env }).status === 0;

const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Whether HAProxy is on this machine (Debian: package `haproxy`). */
export const hasHaproxy = works('haproxy', ['-v']);

/** Whether nginx with its stream module is on this machine (Debian: package `libnginx-mod-stream`). */
export const hasNginxStream = works('nginx', ['-v']) && works('test', ['-e', NGINX_STREAM]);

/** @param server how it speaks to the port, such as `send-proxy-v2` */
export function haproxy(target: number, server: string): Promise<Balancer> {
  return balancer((port) => ({
    config: `
defaults
  mode tcp
  timeout connect 2s
  timeout client 60s
  timeout server 60s
listen all
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${target} ${server}
`,
    command: (file) => ['haproxy', '-db', '-f', file],
  }));
}

/** Speaks version 1 of the PROXY protocol, as nginx does. */
export function nginxStream(target: number): Promise<Balancer> {
  return balancer((port, folder) => ({
    config: `
load_module ${NGINX_STREAM};
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 256; }
stream { server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${target}; proxy_protocol on; } }
`,
    command: (file) => ['nginx', '-p', folder, '-c', file],
  }));
}

interface Plan {
  config: string;
  command: (file: string) => [string, ...string[]];
}

async function balancer(plan: (port: number, folder: string) => Plan): Promise<Balancer> {
  await using stack = new AsyncDisposableStack();
  const { start: port } = await freePortRange(1);
  const folder = mkdtempSync(join(tmpdir(), 'berth-balancer-'));
  stack.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'config');
  const { config, command } = plan(port, folder);
  writeFileSync(file, config);
  const [program, ...args] = command(file);
  const child = stack.use(new Child(program, args, { env }));
  await child.until('its port', 10_000, async () => (await accepts(port)) || undefined);
  return owning({ port }, stack);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
