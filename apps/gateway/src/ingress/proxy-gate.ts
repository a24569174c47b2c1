import type { Socket } from 'node:net';
import { peerAddress, receiveProxyHeader } from '@berth/http-server-pool';
import type { LimitedLog } from '@berth/observability';
import type { LocalService } from '../agents/index.js';
import { networks, type Policy } from '../policy/index.js';
import type { ClientTotal } from './client-limits.js';

/** Has a connection before anybody reads of it, and calls `begin` if it may begin. */
export type Gate = (socket: Socket, begin: () => void) => void;

/** What all ports share. */
export interface GateContext {
  readonly service: LocalService;
  readonly total: ClientTotal;
  /** for the whole header, ms */
  readonly timeoutMs: number;
  readonly limitedLog: LimitedLog;
}

/**
 * The gate of a port behind load balancers that say by the PROXY protocol whose connections they pass on. Connections of
 * others are not looked at. While a header is waited for, its connection counts to `agentPorts.maxTotalConnections`.
 *
 * @returns undefined where no such header is expected
 */
export function proxyGate(
  { proxyHeaderOptional: optional, proxyProtocol, trustedProxies }: Policy['access'],
  { limitedLog, service, timeoutMs, total }: GateContext,
): Gate | undefined {
  if (proxyProtocol === 'off' || trustedProxies.length === 0) return undefined;
  const isTrusted = networks(trustedProxies);
  return (socket, begin) => {
    const proxy = peerAddress(socket.remoteAddress);
    if (!isTrusted(proxy)) {
      begin();
      return;
    }
    // What fails also closes, and that is what counts.
    socket.on('error', () => undefined);
    if (!total.hold(socket)) return;
    receiveProxyHeader(socket, {
      versions: proxyProtocol,
      optional,
      timeoutMs,
      received: () => {
        total.release(socket);
        begin();
      },
      refused: (reason) => {
        service.stats.countError('BERTH_PROXY_HEADER');
        limitedLog.warn(
          { agentId: service.key, proxy, reason },
          'a connection of a proxy was refused (access.proxyProtocol)',
        );
        socket.resetAndDestroy();
      },
    });
  };
}
