import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import type { ConfigType } from '@nestjs/config';
import { isLoopback } from '@berth/node-runtime';
import { BerthError } from '@berth/errors';
import { sameSecret } from '../tunnel/index.js';
import { adminConfig, httpConfig } from './http.settings.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Who may ask what of the admin port. There is no cookie: cookies
 * ignore ports, and every other service of the host would receive it.
 */
@Injectable()
export class AdminAccess {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: ConfigType<typeof httpConfig>,
    @Inject(adminConfig.KEY) private readonly admin: ConfigType<typeof adminConfig>,
  ) {}

  /**
   * What holds for every request, with or without a token: names, and where a change may come from.
   *
   * @throws BerthError `BERTH_HOST_NOT_ALLOWED`, `BERTH_CROSS_SITE`, `BERTH_UNSUPPORTED_MEDIA_TYPE`
   */
  checkRequest(request: IncomingMessage): void {
    this.checkHost(request.headers.host);
    if (SAFE_METHODS.has(request.method ?? '')) return;
    if (!isSameOrigin(request)) {
      throw new BerthError('BERTH_CROSS_SITE', 'changes are not taken from pages of another origin');
    }
    if (hasBody(request) && mediaType(request) !== 'application/json') {
      throw new BerthError('BERTH_UNSUPPORTED_MEDIA_TYPE', 'a body must be JSON (Content-Type: application/json)');
    }
  }

  /**
   * Asks for `admin.token`. Without one the port is open on loopback alone, so
   * that an application which embeds the gateway and listens elsewhere is closed too.
   *
   * @throws BerthError `BERTH_UNAUTHENTICATED`
   */
  checkToken(request: IncomingMessage): void {
    const { token, insecure } = this.admin;
    if (token !== '') {
      const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
      if (given !== '' && sameSecret(token, given)) return;
      throw new BerthError(
        'BERTH_UNAUTHENTICATED',
        given === ''
          ? 'the admin port asks for a token (Authorization: Bearer, admin.token)'
          : "the token is not the admin port's (admin.token)",
      );
    }
    // A Unix socket has no address, and is reached from this machine only.
    if (insecure || isLoopback(request.socket.localAddress ?? '::1')) return;
    throw new BerthError(
      'BERTH_UNAUTHENTICATED',
      'this address is reached from other machines: set admin.token, or admin.insecure to let everybody in',
    );
  }

  /** Whether metrics are shown without the token. */
  get openMetrics(): boolean {
    return this.admin.openMetrics;
  }

  /** Against DNS rebinding: a page that points its own name at this address still sends that name. */
  private checkHost(header: string | undefined): void {
    // Browsers always name a host; HTTP/1.0 probes need not.
    if (header === undefined) return;
    const { host, allowedHosts } = this.http;
    const name = hostName(header);
    if (name !== undefined) {
      if (isIP(name) !== 0 || name === 'localhost' || name === host.toLowerCase()) return;
      if (allowedHosts.some((allowed) => allowed === '*' || allowed.toLowerCase() === name)) return;
    }
    throw new BerthError(
      'BERTH_HOST_NOT_ALLOWED',
      `the admin port does not answer to ${JSON.stringify(header.slice(0, 80))} (http.allowedHosts)`,
    );
  }
}

/** The name in a `Host` header (RFC 9110, section 7.2), in lower case, without port, brackets and the root's dot. */
function hostName(header: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::\d*)?$/.exec(header) ?? [];
  return (bracketed ?? plain?.replace(/\.$/, ''))?.toLowerCase();
}

/**
 * Browsers tell where a request comes from: by Sec-Fetch-Site (W3C Fetch
 * Metadata), and by Origin where the page is not https and not localhost.
 */
function isSameOrigin({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && headers.origin === undefined);
  const { origin, host } = headers;
  return origin === undefined || (host !== undefined && /^https?:\/\/(.+)$/.exec(origin)?.[1] === host.toLowerCase());
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function mediaType({ headers }: IncomingMessage): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase();
}
