import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  connectivityState,
  credentials,
  Metadata,
} from '@grpc/grpc-js';
import { type AgentSettings } from '../agent-settings.js';
import { readPemFiles } from '@berth/config';
import { MAX_GRPC_MESSAGE_BYTES, passBuffer, TUNNEL_METHOD_PATH } from '@berth/tunnel-protocol';
import type { NameOf } from './link.js';
import { ProxyRoute } from './proxy-route.js';

/** HTTP/2 window of a connection: out of the way, because frames carry their own credit per exchange. */
const FLOW_CONTROL_WINDOW_BYTES = 32 * 1024 * 1024;

const KEEPALIVE = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 1,
};

/** An open gRPC stream on a TCP connection of its own. */
export interface Dialled {
  call: ClientDuplexStream<Buffer, Buffer>;
  /** whether there is a server that may have got what was written */
  connected(): boolean;
  /** closes the TCP connection */
  release(): void;
  /**
   * Why there is no way to the gateway, when that is a proxy's doing.
   *
   * @param details as the call's status has them
   */
  stuckAt(details: string): string | undefined;
}

/**
 * Credentials for the gateway.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` naming the setting of a file that cannot be read or used
 */
export function channelCredentials(tls: AgentSettings['tls'], nameOf: NameOf): ChannelCredentials {
  if (!tls.enabled) return credentials.createInsecure();
  const names = { caFile: nameOf('tls.caFile'), certFile: nameOf('tls.certFile'), keyFile: nameOf('tls.keyFile') };
  const { ca, cert, key } = readPemFiles(tls, names);
  return namesNoAddress(credentials.createSsl(ca, key, cert));
}

/**
 * grpc-js sends the host that it dials as server name, and has no option against it. An address is none (RFC 6066 section
 * 3), and Node warns of it. The certificate has to be for that address all the same: Node goes by `host` where there is no
 * name.
 */
function namesNoAddress(channel: ChannelCredentials): ChannelCredentials {
  const original = channel._createSecureConnector.bind(channel);
  channel._createSecureConnector = (...args) => {
    const connector = original(...args);
    const { connectionOptions } = connector as { connectionOptions?: ConnectionOptions };
    if (connectionOptions === undefined)
      throw new Error('@grpc/grpc-js changed: check dial.ts against its new version');
    if (isIP(connectionOptions.servername ?? '') !== 0) delete connectionOptions.servername;
    return connector;
  };
  return channel;
}

/** What a protocol asks of its call. */
export interface DialOptions {
  /** gRPC path */
  path: string;
  maxReceivedBytes: number;
  maxSentBytes: number;
  /** HTTP/2 PINGs; a grpc-go server ends connections that send more of them than one in 5 minutes */
  keepsAlive: boolean;
}

export const TUNNEL_DIAL: DialOptions = {
  path: TUNNEL_METHOD_PATH,
  maxReceivedBytes: MAX_GRPC_MESSAGE_BYTES,
  maxSentBytes: MAX_GRPC_MESSAGE_BYTES,
  keepsAlive: true,
};

/** Opens a stream; whether anybody answers shows in what the call emits. */
export function dial(settings: AgentSettings, channel: ChannelCredentials, options: DialOptions): Dialled {
  const { gateway, proxy, tls } = settings;
  const { serverName } = tls;
  const route = proxy === '' ? undefined : new ProxyRoute(channel, new URL(proxy), gateway);
  const client = new Client(route?.address ?? gateway, route ?? channel, {
    // Of its own, grpc-js looks for a proxy in the environment, which is for #config to read.
    'grpc.enable_http_proxy': 0,
    ...(route === undefined ? {} : { 'grpc.default_authority': gateway }),
    // Each connection is its own: a shared HTTP/2 session would fail, and be throttled, as one.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': options.maxReceivedBytes,
    'grpc.max_send_message_length': options.maxSentBytes,
    ...(options.keepsAlive ? KEEPALIVE : {}),
    'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
    ...(serverName === '' ? {} : { 'grpc.ssl_target_name_override': serverName, 'grpc.default_authority': serverName }),
  });
  const call = client.makeBidiStreamRequest(options.path, passBuffer, passBuffer, new Metadata());
  return {
    call,
    connected: () => client.getChannel().getConnectivityState(false) === connectivityState.READY,
    release: () => {
      client.close();
      route?.close();
    },
    stuckAt: (details) => route?.stuckAt(details),
  };
}
