import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from './certificate.js';
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
  return await startNginx(processes, directory, 'origin', { location: `location / { return 200 "${ANSWER}"; }` });
}

/** One hop in the usual setting of a relay: connections kept, HTTP/1.1, bodies streamed and never put on disk. */
export async function startHop(
  processes: Processes,
  directory: string,
  name: string,
  to: number,
  tls?: Certificate,
): Promise<Nginx> {
  const location = `
    location / {
      proxy_pass http://next;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host $http_host;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }`;
  return await startNginx(processes, directory, name, { location, upstream: next(to), ...(tls && { tls }) });
}

/** The place after a hop, as `next`; connections to it are kept. */
export const next = (port: number): string =>
  `upstream next { server 127.0.0.1:${port}; keepalive 256; keepalive_requests 1000000000; }`;

/**
 * Two hops in front of `origin`: the unit of our ratios.
 *
 * @param tls of the outer one; default: none
 * @returns the outer one first
 */
export async function startTwoHops(
  processes: Processes,
  directory: string,
  origin: number,
  tls?: Certificate,
): Promise<[Nginx, Nginx]> {
  const inner = await startHop(processes, directory, 'inner', origin);
  const outer = await startHop(processes, directory, 'outer', inner.port, tls);
  return [outer, inner];
}

export interface Site {
  /** its `location` blocks and what else belongs into `server` */
  readonly location: string;
  /** further blocks of `http` */
  readonly upstream?: string;
  readonly tls?: Certificate;
  /** in clear text HTTP/2 alone; default: HTTP/1.1 */
  readonly http2?: boolean;
}

/** One worker on a port of its own, without an access log. */
export async function startNginx(processes: Processes, directory: string, name: string, site: Site): Promise<Nginx> {
  const prefix = join(directory, `nginx-${name}`);
  const { start: port } = await freePortRange(1);
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'nginx.conf'), configuration(port, site));
  const args = ['-p', `${prefix}/`, '-e', 'stderr', '-c', 'nginx.conf'];
  // nginx ends at once on SIGTERM; its workers would outlive a killed master.
  const process = processes.start(`nginx ${name}`, 'nginx', args, { endSignal: 'SIGTERM' });
  await process.until('its port', 5000, async () => (await portOpens(port)) || undefined);
  return { port, process };
}

const secured = ({ certFile, keyFile }: Certificate): string =>
  `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};`;

const configuration = (port: number, { location, upstream = '', tls, http2 = false }: Site): string => `
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
    listen 127.0.0.1:${port} ${tls ? 'ssl ' : ''}${http2 ? 'http2 ' : ''}backlog=4096;
    ${tls ? secured(tls) : ''}
    ${location}
  }
}
`;
