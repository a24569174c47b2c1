import type { Socket } from 'node:net';
import { ExchangeKind, type OpenHead } from '@berth/exchange';
import { peerAddress } from '@berth/http-server-pool';

/**
 * The head of a raw TCP exchange. Its one header says who connected, and where to: `Forwarded`
 * with `for` and `by`, each with its port (RFC 7239 sections 5 and 6; docs/protocol.md).
 *
 * @param service name of the local service, empty for the default one
 */
export function tcpHead(socket: Socket, service: string): OpenHead {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  const headers: string[] = [];
  // None where the client has left already.
  if (remoteAddress !== undefined && localAddress !== undefined) {
    headers.push('Forwarded', `for=${node(remoteAddress, remotePort)};by=${node(localAddress, localPort)}`);
  }
  return { kind: ExchangeKind.tcp, method: '', target: '', headers, body: true, service };
}

function node(address: string, port: number | undefined): string {
  const plain = peerAddress(address);
  return `"${plain.includes(':') ? `[${plain}]` : plain}:${String(port)}"`;
}
