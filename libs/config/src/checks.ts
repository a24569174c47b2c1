/** Rules of single values; each says what is wrong, or nothing. */

/** The one rule for agent ids (checklist A10). */
export const AGENT_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** setTimeout takes no longer time: above it, it fires at once. */
export const MAX_MS = 2_147_483_647;

const HOST = /^[A-Za-z0-9:][A-Za-z0-9.:_%-]*$/;

/** A TCP port that can be dialled, or listened on by its number. */
export const isPort = (value: unknown): boolean =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;

/** An address to listen on. */
export function checkHost(value: string): string | undefined {
  return HOST.test(value) ? undefined : 'must be a host name or an IP address, without scheme and port';
}

export function checkAgentId(value: string): string | undefined {
  if (value === '' || AGENT_ID.test(value)) return undefined; // empty is reported as missing
  return 'must be 1 to 64 letters, digits, dots, underscores or hyphens, the first a letter or a digit';
}
