/** Rules of single values; each says what is wrong, or nothing. */

/** The one rule for agent ids (checklist A10). */
export const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** setTimeout takes no longer time: above it, it fires at once. */
export const MAX_MS = 2_147_483_647;

const HOST = /^[A-Za-z0-9:][A-Za-z0-9.:_%-]*$/;
const HOST_AND_PORT = /^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9][A-Za-z0-9._-]*):(\d{1,5})$/;

const isPort = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/** An address to listen on. */
export function checkHost(value: string): string | undefined {
  return HOST.test(value) ? undefined : 'must be a host name or an IP address, without scheme and port';
}

/** As {@link checkHost}, and empty is allowed. */
export function checkOptionalHost(value: string): string | undefined {
  return value === '' ? undefined : checkHost(value);
}

/** Names for a `Host` header: `*`, or host names and IP addresses without a port. */
export function checkHostNames(value: readonly string[]): string | undefined {
  const wrong = value.find((item) => item !== '*' && checkHost(item) !== undefined);
  return wrong === undefined ? undefined : `"${wrong}" is not a host name: write * or a name, without scheme and port`;
}

/** `host:port` to dial. */
export function checkHostAndPort(value: string): string | undefined {
  const port = Number(HOST_AND_PORT.exec(value)?.[2] ?? 0);
  return isPort(port) ? undefined : 'must be host:port, without a scheme, such as gateway.example.org:9090';
}

export function checkAgentId(value: string): string | undefined {
  if (value === '' || AGENT_ID.test(value)) return undefined; // empty is reported as missing
  return 'must be 1 to 64 letters, digits, dots, underscores or hyphens, the first a letter or a digit';
}

/** Agent id → port: ids well formed, ports in 1..65535, no port twice. */
export function checkStaticPorts(value: Record<string, unknown>): string | undefined {
  const owners = new Map<unknown, string>();
  for (const [id, port] of Object.entries(value)) {
    if (!AGENT_ID.test(id)) return `agent id "${id}": ${checkAgentId(id) ?? 'must not be empty'}`;
    if (!isPort(port)) return `the port of agent "${id}" must be a whole number from 1 to 65535`;
    const owner = owners.get(port);
    if (owner !== undefined) return `port ${String(port)} is given to both "${owner}" and "${id}"`;
    owners.set(port, id);
  }
  return undefined;
}

export function checkTexts(value: Record<string, unknown>): string | undefined {
  for (const [name, text] of Object.entries(value)) {
    if (name === '') return 'a name is empty';
    if (typeof text !== 'string') return `"${name}" must be text (put it in quotes)`;
  }
  return undefined;
}

/** CORS origins: `*`, or scheme://host[:port] exactly as browsers send it. */
export function checkOrigins(value: readonly string[]): string | undefined {
  const wrong = value.find((item) => item !== '*' && !(URL.canParse(item) && new URL(item).origin === item));
  return wrong === undefined
    ? undefined
    : `"${wrong}" is not an origin: write * or https://host[:port], without a path`;
}
