import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { readPemFiles } from '@berth/node-runtime';
import { ServicesError } from '../errors.js';
import { type NumberOptions, wholeNumbers } from '../numbers.js';
import { CONNECTION_LIMITS } from '../wire/ends.js';

/** TLS of a client: PEM files, read once. */
export interface GrpcClientTls {
  /** absent: the CAs that Node trusts */
  readonly caFile?: string | undefined;
  /** with `keyFile`: what the client shows to a server that asks for a certificate */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface GrpcTransportOptions extends NumberOptions<typeof CONNECTION_LIMITS> {
  /** `host:port` of a function server */
  readonly address: string;
  /** absent: plaintext; true: with the CAs that Node trusts */
  readonly tls?: boolean | GrpcClientTls | undefined;
}

const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):([0-9]{1,5})$/;
const WINDOW_BYTES = 4 * 1024 * 1024;

/** @throws ServicesError `BERTH_SERVICE_INVALID` */
export function transportSettings(options: GrpcTransportOptions) {
  const { address } = options;
  const port = Number(ADDRESS.exec(address)?.[2] ?? 0);
  if (port < 1 || port > 65_535) throw invalid(`address is ${JSON.stringify(address)}: it must be host:port`);
  const { maxMessageBytes, keepaliveTimeMs, keepaliveTimeoutMs } = wholeNumbers(options, CONNECTION_LIMITS, invalid);
  return {
    credentials: channelCredentials(options.tls ?? false),
    maxMessageBytes,
    channelOptions: {
      // Whether a call may be sent again is decided here, not by grpc-js.
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.enable_channelz': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': -1,
      'grpc.keepalive_time_ms': keepaliveTimeMs,
      'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
      // A server that comes back is found soon; gRPC itself would wait up to two minutes.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2000,
      'grpc-node.flow_control_window': WINDOW_BYTES,
    } satisfies ChannelOptions,
  };
}

const TLS_NAMES = { caFile: 'tls.caFile', certFile: 'tls.certFile', keyFile: 'tls.keyFile' };

function channelCredentials(tls: boolean | GrpcClientTls): ChannelCredentials {
  if (tls === false) return credentials.createInsecure();
  const files: GrpcClientTls = tls === true ? {} : tls;
  if ((files.certFile === undefined) !== (files.keyFile === undefined))
    throw invalid('tls.certFile and tls.keyFile belong together');
  const none = Object.entries(files).find(([, file]) => file === '');
  if (none !== undefined) throw invalid(`tls.${none[0]} is empty: name a file, or leave it out`);
  const { caFile = '', certFile = '', keyFile = '' } = files;
  const { ca, key, cert } = readPemFiles({ caFile, certFile, keyFile }, TLS_NAMES, invalid);
  return credentials.createSsl(ca, key, cert);
}

function invalid(message: string, cause?: unknown): ServicesError {
  return new ServicesError('BERTH_SERVICE_INVALID', `gRPC client: ${message}`, {}, { cause });
}
