/** Rules of single values; each says what is wrong, or nothing. */

/** setTimeout takes no longer time: above it, it fires at once. */
export const MAX_MS = 2_147_483_647;

const HOST = /^[A-Za-z0-9:][A-Za-z0-9.:_%-]*$/;

/** A TCP port that can be dialled, or listened on by its number. */
export const isPort = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/** CORS origins: `*`, or scheme://host[:port] exactly as browsers send it. */
export function checkOrigins(value: readonly string[]): string | undefined {
  const wrong = value.find((item) => item !== '*' && !(URL.canParse(item) && new URL(item).origin === item));
  return wrong === undefined
    ? undefined
    : `"${wrong}" is not an origin: write * or https://host[:port], without a path`;
}

/** An address to listen on. */
export function checkHost(value: string): string | undefined {
  return HOST.test(value) ? undefined : 'must be a host name or an IP address, without scheme and port';
}
