const HOST = /^(?:[\w.~!$&'()*+,;=%-]+|\[[\w:.%~-]+\])(?::\d*)?$/;

/** Whether a value of `Host` is an authority with a host and without user data (RFC 9110 section 4.2); empty is not. */
export function isHost(value: string): boolean {
  return HOST.test(value);
}

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;

/** The authority in a request target; undefined for one that has none, which most have not. */
export function authorityOf(target: string): string | undefined {
  if (target.startsWith('/')) return undefined;
  return ABSOLUTE.exec(target)?.[1];
}

/** A request's target, or another address, up to its query or fragment. */
export function withoutQuery(target: string): string {
  const at = target.search(/[?#]/);
  return at === -1 ? target : target.slice(0, at);
}

const PATH = /^\/(?![/\\])/;
/** Before the host of an address, as browsers read it: with or without a scheme, after any slashes. */
const USER_INFO = /^((?:[a-z][a-z0-9+.-]*:)?[/\\]{2,}|)[^/\\?#]+@/i;

/** A request's target, or another address, without the user and password that stand before its host: for logs and the like. */
export function withoutUserInfo(target: string): string {
  return PATH.test(target) ? target : target.replace(USER_INFO, '$1');
}
