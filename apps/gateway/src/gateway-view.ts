import { bindKey } from '@berth/http-server-pool';
import { clock, type LogRecord, printable, type Style, type View } from '@berth/observability';
import { isLoopback, isWildcard } from '@berth/node-runtime';
import { whyAbsent } from './agents/index.js';
import type { GatewaySettings } from './gateway-settings.js';
import { VERSION } from './version.js';

/** What the line at start says; a record of the log, so all of it is in its JSON as well. */
export interface Ready {
  event: 'ready';
  /** host and port */
  admin: string;
  grpc: string;
  docs: string;
  /** first and last port for agents, such as `8100-8200` */
  ports: string;
  /** who may use the admin port */
  adminAccess: 'token' | 'loopback' | 'anybody';
  /** who may register */
  agentAccess: 'token' | 'certificate' | 'anybody';
}

type Connected = LogRecord & { agentId: string; port: number; ports?: Record<string, number>; remoteAddress: string };

const ADMIN_ACCESS = { token: 'asks for its token', loopback: 'from this machine alone', anybody: 'open to anybody' };
const AGENT_ACCESS = { token: 'need the token', certificate: 'need a certificate', anybody: 'open to anybody' };

/** What belongs to an agent that comes or goes, which has a line already. */
const DETAILS = new Set(['connection_registered', 'connection_closed', 'port_opened', 'port_closed']);

/** What a gateway that listens says of itself. */
export function readyOf(settings: GatewaySettings, adminPort: number, grpcPort: number): Ready {
  const { admin, auth, grpc, http } = settings;
  const { start, end } = http.agentPortRange;
  const certificate = grpc.tls.enabled && grpc.tls.clientCert === 'require';
  // Where it listens at all addresses, this one leads there too.
  const host = isWildcard(http.host) ? '127.0.0.1' : http.host;
  return {
    event: 'ready',
    admin: `${http.host}:${adminPort}`,
    grpc: `${grpc.host}:${grpcPort}`,
    docs: `http://${bindKey({ host, port: adminPort })}/docs`,
    ports: `${start}-${end}`,
    adminAccess: admin.token !== '' ? 'token' : isLoopback(http.host) ? 'loopback' : 'anybody',
    agentAccess: auth.token !== '' ? 'token' : certificate ? 'certificate' : 'anybody',
  };
}

/** A gateway as people at a terminal see it: where it listens, and a line for each agent that comes or goes. */
export function gatewayView(style: Style, isDetailed: () => boolean): View {
  let isUp = false;
  return (record) => {
    switch (record.event) {
      case 'ready':
        isUp = true;
        return readyBlock(record as LogRecord & Ready, style);
      case 'agent_connected':
        return connected(record as Connected, style);
      case 'agent_disconnected': {
        const left = record as LogRecord & { agentId: string; reason: string };
        return `${clock(record, style)} ${style('yellow', '-')} ${left.agentId} has left: ${printable(whyAbsent(left))}\n`;
      }
      // One that could not start says why, and no more.
      case 'shutting_down':
        return isUp ? undefined : '';
      default:
        return record.level === 'info' && DETAILS.has(record.event ?? '') && !isDetailed() ? '' : undefined;
    }
  };
}

function readyBlock(record: LogRecord & Ready, style: Style): string {
  const { admin, adminAccess, agentAccess, docs, grpc, ports } = record;
  const url = (text: string): string => style('cyan', text);
  const access = (words: string, who: string): string => (who === 'anybody' ? style('yellow', words) : words);
  const page = docs.replace(/docs$/, '');
  // Said where it listens elsewhere than the page is opened: at all addresses.
  const at = page === `http://${admin}/` ? '' : ` at ${admin}`;
  return [
    `${clock(record, style)} berth-gateway ${VERSION} is ready`,
    `  admin   ${url(page)}${at}, docs ${url(docs)}: ${access(ADMIN_ACCESS[adminAccess], adminAccess)}`,
    `  agents  ${url(grpc)} (gRPC): ${access(AGENT_ACCESS[agentAccess], agentAccess)}`,
    `  ports   ${url(ports)} for clients of agents\n`,
  ].join('\n');
}

function connected(record: Connected, style: Style): string {
  const { agentId, port, ports = {}, remoteAddress } = record;
  const named = Object.entries(ports).map(([name, its]) => `${name} ${its}`);
  const where = named.length > 0 ? `ports ${named.join(', ')}` : `port ${port}`;
  return `${clock(record, style)} ${style('green', '+')} ${agentId} is connected: ${where}, from ${remoteAddress}\n`;
}
