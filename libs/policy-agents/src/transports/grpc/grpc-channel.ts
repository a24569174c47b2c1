import { Client, credentials, type ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { BerthError, messageOf } from '@berth/errors';

/** TLS of a client: PEM texts. */
export interface ClientTls {
  /** absent: the CAs that Node trusts */
  readonly ca?: Buffer | undefined;
  /** with `key`: what is shown to a server that asks for a certificate */
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  /** in the server's certificate; absent: the host that is dialled */
  readonly serverName?: string | undefined;
}

const WINDOW_BYTES = 1_048_576;

/**
 * A client with a connection of its own, which is made with its first call.
 *
 * @param target host:port
 * @throws BerthError `BERTH_CONFIG_INVALID` when the TLS files cannot be used
 */
export function grpcClient(target: string, tls: ClientTls | undefined, maxMessageBytes: number): Client {
  const name = tls?.serverName;
  const options: ChannelOptions = {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': maxMessageBytes,
    // Measured before they get there.
    'grpc.max_send_message_length': -1,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    ...(name === undefined ? {} : { 'grpc.ssl_target_name_override': name, 'grpc.default_authority': name }),
  };
  return new Client(target, channelCredentials(tls), options);
}

function channelCredentials(tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  try {
    return credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null);
  } catch (thrown) {
    throw new BerthError('BERTH_CONFIG_INVALID', `the TLS files cannot be used: ${messageOf(thrown)}`);
  }
}
