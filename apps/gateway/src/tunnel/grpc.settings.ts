import { type Frozen, checkHost, Choice, File, Group, Integer, Switch, Text } from '@berth/config';
import { registerAs } from '@nestjs/config';

export class GrpcTlsSettings {
  @Switch({ description: 'TLS on the gRPC port.' })
  enabled = false;

  @File({ description: "PEM file with the gateway's certificate chain; needed with TLS." })
  certFile = '';

  @File({ description: "PEM file with the certificate's private key; needed with TLS." })
  keyFile = '';

  @File({ description: 'PEM file with the CA that signs client certificates.' })
  caFile = '';

  @Choice(['none', 'request', 'require'], {
    description:
      'Client certificates: not asked for, checked when one comes, or demanded. The common name must be the agent id.',
  })
  clientCert: 'none' | 'request' | 'require' = 'none';
}

export class GrpcSettings {
  @Text({ check: checkHost, description: 'Address of the port that agents dial.' })
  host = '0.0.0.0';

  @Integer(0, 65_535, { description: 'Port that agents dial; 0 takes any free one.' })
  port = 9090;

  @Group()
  tls = new GrpcTlsSettings();
}

export class AuthSettings {
  @Text({
    secret: true,
    alias: '--token',
    sharedEnv: 'BERTH_TOKEN',
    description: 'Shared secret that agents must show; empty: none is asked for. Prefer the file or the environment.',
    live: true,
  })
  token = '';

  @File({
    alias: '--token-file',
    sharedEnv: 'BERTH_TOKEN_FILE',
    description: 'File that holds the shared secret; instead of the token itself.',
    live: true,
  })
  tokenFile = '';
}

export const grpcConfig = registerAs('berth.grpc', (): Frozen<GrpcSettings> => new GrpcSettings());
export const authConfig = registerAs('berth.auth', (): Frozen<AuthSettings> => new AuthSettings());
