import { type Frozen, checkHost, File, Group, Integer, List, MAX_MS, Switch, Text } from '@berth/config';
import { registerAs } from '@nestjs/config';
import { AgentPortRangeSettings } from '../ports/index.js';

/** Names for a `Host` header: `*`, or host names and IP addresses without a port. */
function checkHostNames(value: readonly string[]): string | undefined {
  const wrong = value.find((item) => item !== '*' && checkHost(item) !== undefined);
  return wrong === undefined ? undefined : `"${wrong}" is not a host name: write * or a name, without scheme and port`;
}

export class HttpSettings {
  @Text({ check: checkHost, description: 'Address of the admin port.' })
  host = '127.0.0.1';

  @Integer(0, 65_535, { description: 'Admin port: agents, health, metrics, API description; 0 takes any free one.' })
  port = 8080;

  @List({
    check: checkHostNames,
    description:
      'Names by which the admin port may be addressed, besides IP addresses, `localhost` and `http.host`; `*`: any.',
    live: true,
  })
  allowedHosts: string[] = [];

  @Integer(1, MAX_MS, { description: 'Time until the head of a request to the admin port must be there; then 408.' })
  headersTimeoutMs = 10_000;

  @Integer(1, MAX_MS, {
    description:
      'Time until a whole request to the admin port must be there, and time that its client may take nothing of the answer.',
  })
  requestTimeoutMs = 30_000;

  @Group()
  agentPortRange = new AgentPortRangeSettings();
}

export class AdminSettings {
  @Text({
    secret: true,
    description:
      'Secret that requests to the admin port must show (`Authorization: Bearer …`); needed where the port listens beyond loopback. Prefer the file or the environment.',
    live: true,
  })
  token = '';

  @File({ description: 'File that holds that secret; instead of the token itself.', live: true })
  tokenFile = '';

  @Switch({
    description: 'The admin port may listen beyond loopback without a token: whoever reaches it is let in.',
    live: true,
  })
  insecure = false;

  @Switch({ description: 'Metrics are shown without the token, as the health probes are.', live: true })
  openMetrics = false;
}

export const httpConfig = registerAs('berth.http', (): Frozen<HttpSettings> => new HttpSettings());
export const adminConfig = registerAs('berth.admin', (): Frozen<AdminSettings> => new AdminSettings());
