import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Processes, Running } from './processes.js';
import { freePortRange } from '@berth/testing';
import { portOpens } from './http.js';

export interface Nginx {
  readonly port: number;
  readonly process: Running;
}

const ANSWER = 'ahoy '.repeat(20);

/** Answers every request with 100 bytes. */
export async function startOrigin(processes: Processes, directory: string): Promise<Nginx> {
  return await start(processes, directory, 'origin', `location / { return 200 "${ANSWER}"; }`);
}

/** One hop in the usual setting of a relay: connections kept, HTTP/1.1, bodies streamed and never put on disk. */
export async function startHop(processes: Processes, directory: string, name: string, to: number): Promise<Nginx> {
  const location = `
    location / {
      proxy_pass http://next;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }`;
  const upstream = `upstream next { server 127.0.0.1:${to}; keepalive 256; keepalive_requests 1000000000; }`;
  return await start(processes, directory, name, location, upstream);
}

/** Two hops in front of `origin`: the unit of our ratios. @returns the outer one first */
export async function startTwoHops(processes: Processes, directory: string, origin: number): Promise<[Nginx, Nginx]> {
  const inner = await startHop(processes, directory, 'inner', origin);
  const outer = await startHop(processes, directory, 'outer', inner.port);
  return [outer, inner];
}

async function start(
  processes: Processes,
  directory: string,
  name: string,
  location: string,
  upstream = '',
): Promise<Nginx> {
  const prefix = join(directory, `nginx-${name}`);
  const { start: port } = await freePortRange(1);
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'nginx.conf'), configuration(port, location, upstream));
  const args = ['-p', `${prefix}/`, '-e', 'stderr', '-c', 'nginx.conf'];
  // nginx ends at once on SIGTERM; its workers would outlive a killed master.
  const process = processes.start(`nginx ${name}`, 'nginx', args, { endSignal: 'SIGTERM' });
  await process.until('its port', 5000, async () => (await portOpens(port)) || undefined);
  return { port, process };
}

const configuration = (port: number, location: string, upstream: string): string => `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  default_type text/plain;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${upstream}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ${location}
  }
}
`;
