import { Choice, File, Group, Integer, MAX_HEADER_BYTES, MAX_MS, Switch, Text } from '@berth/config';
import { checkHostHeader, checkOriginUrl } from './addressing.js';

export class LocalTlsSettings {
  @File({
    description:
      "PEM file with the CA of an https or h2 target's certificate, or the certificate itself if self-signed.",
  })
  caFile = '';

  @Text({
    description: "Name to ask an https or h2 target for and to check its certificate for; empty: the target's host.",
  })
  serverName = '';

  @Switch({
    description: "Whether an https or h2 target's certificate is checked; without, anybody may answer in its place.",
  })
  verify = true;
}

export class LocalSettings {
  @Integer(1, MAX_MS, { description: 'Time until a connection to the local service must stand.' })
  connectTimeoutMs = 5000;

  @Integer(0, MAX_MS, {
    description: "Time until the local service's response head must have come; 0 leaves it to the gateway.",
  })
  responseTimeoutMs = 0;

  @Integer(0, MAX_MS, {
    description:
      'Time without a byte after which the request to the local service is ended; 0 leaves it to the gateway.',
  })
  idleTimeoutMs = 0;

  @Integer(0, 1_000_000, {
    description:
      'Connections to the local service at a time; further exchanges wait for one. A connection of HTTP/2 carries as many exchanges as the service allows. 0: as many as descriptors and memory of the process allow.',
  })
  maxConnections = 0;

  @Integer(0, MAX_MS, {
    description:
      'Time without one of local.maxConnections becoming free after which exchanges that wait are refused with 503; 0: none waits.',
  })
  queueTimeoutMs = 1000;

  @Integer(0, MAX_MS, {
    description:
      'Time without an answer of the local service after which the agent connects to it to see whether it is there; the gateway is told when that changes. 0: never.',
  })
  checkIntervalMs = 10_000;

  @Integer(1024, MAX_HEADER_BYTES, { description: "Size of the local service's response head; above it, 502." })
  maxHeaderBytes = 32_768;

  @Integer(0, MAX_MS, {
    description:
      'Time an unused connection to the local service is kept; less than the service keeps it; 0: none is used twice.',
  })
  keepAliveMs = 4000;

  @Integer(0, MAX_MS, {
    description:
      'Silence of an h2 or h2c service with exchanges under way after which it gets a PING, whose answer must come within local.connectTimeoutMs. Servers of gRPC end connections that ask more than every 5 minutes. 0: never.',
  })
  pingIntervalMs = 330_000;

  @Text({
    alias: '--host-header',
    check: checkHostHeader,
    description:
      'Host that the local service sees: keep for that of the client, target for its own, as development servers want it, or any other host. With it Origin, Referer and redirects are adapted.',
  })
  hostHeader = 'keep';

  @Text({
    check: checkOriginUrl,
    description:
      'URL, such as https://app.example, that the local service takes for its own; redirects to it or to the target lead to the address that the client used. Empty: redirects stay as they are, unless hostHeader is not keep.',
  })
  originUrl = '';

  @Choice(['off', 'v2'], {
    description:
      'Whether a tcp:// target is told first, by a header of the PROXY protocol, which client a connection is of; only for services that expect it.',
  })
  proxyProtocol: 'off' | 'v2' = 'off';

  @Group('TLS towards the gateway')
  tls = new LocalTlsSettings();
}
