import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js';
import { messageOf } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { MAX_MS, wholeNumbers } from '../numbers.js';

/** TLS of a client: PEM files, read once. */
export interface GrpcClientTls {
  /** absent: the CAs that Node trusts */
  readonly caFile?: string | undefined;
  /** with `keyFile`: what the client shows to a server that asks for a certificate */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface GrpcTransportOptions {
  /** `host:port` of a function server */
  readonly address: string;
  /** absent: plaintext; true: with the CAs that Node trusts */
  readonly tls?: boolean | GrpcClientTls | undefined;
  /** one request or reply, bytes: 1024..2^30, default 4 MiB */
  readonly maxMessageBytes?: number | undefined;
  /** a connection with calls that brings nothing is asked after it whether it is alive, ms: 1000..2^31-1, default 30 s */
  readonly keepaliveTimeMs?: number | undefined;
  /** and has this long to answer, ms: 100..2^31-1, default 10 s */
  readonly keepaliveTimeoutMs?: number | undefined;
}

const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):([0-9]{1,5})$/;
const WINDOW_BYTES = 4 * 1024 * 1024;

const LIMITS = {
  maxMessageBytes: { default: 4 * 1024 * 1024, least: 1024, most: 2 ** 30 },
  keepaliveTimeMs: { default: 30_000, least: 1000, most: MAX_MS },
  keepaliveTimeoutMs: { default: 10_000, least: 100, most: MAX_MS },
};

/** @throws ServicesError `BERTH_SERVICE_INVALID` */
export function transportSettings(options: GrpcTransportOptions): {
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
  readonly maxMessageBytes: number;
} {
  const { address } = options;
  const port = Number(ADDRESS.exec(address)?.[2] ?? 0);
  if (port < 1 || port > 65_535) throw invalid(`address is ${JSON.stringify(address)}: it must be host:port`);
  const { maxMessageBytes, keepaliveTimeMs, keepaliveTimeoutMs } = wholeNumbers(options, LIMITS, invalid);
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
    },
  };
}

function channelCredentials(tls: boolean | GrpcClientTls): ChannelCredentials {
  if (tls === false) return credentials.createInsecure();
  const { caFile, certFile, keyFile } = tls === true ? {} : tls;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw invalid('tls.certFile and tls.keyFile belong together');
  const ca = readPem(caFile, 'tls.caFile');
  const cert = readPem(certFile, 'tls.certFile');
  const key = readPem(keyFile, 'tls.keyFile');
  try {
    createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
    return credentials.createSsl(ca, key, cert);
  } catch (thrown) {
    throw invalid(`tls: the files cannot be used: ${messageOf(thrown)}`, thrown);
  }
}

function readPem(file: string | undefined, setting: string): Buffer | null {
  if (file === undefined) return null;
  try {
    return readFileSync(file);
  } catch (thrown) {
    throw invalid(`${setting}: cannot read ${file}: ${messageOf(thrown)}`, thrown);
  }
}

function invalid(message: string, cause?: unknown): ServicesError {
  return new ServicesError('BERTH_SERVICE_INVALID', `gRPC client: ${message}`, {}, { cause });
}
