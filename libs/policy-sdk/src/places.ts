import { BerthError } from '@berth/errors';
import type { PolicyTls } from './options.js';

/** Where an agent listens, or what it dials. */
export type Place =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: boolean };

/** As the kernel takes it, with the NUL at its end. */
const MAX_SOCKET_PATH = 107;
const ADDRESS = /^(?:(grpcs?|tcp|tls):\/\/)?(\[[0-9a-f:.%]+\]|[\w.-]+):(\d{1,5})$/i;

/**
 * Reads an address of `listen` or `connect`.
 *
 * @throws BerthError `BERTH_BAD_REQUEST` that names the option and shows what an address looks like
 */
function placeOf(option: 'listen' | 'connect', address: string): Place {
  const wrong = (why: string): BerthError =>
    new BerthError('BERTH_BAD_REQUEST', `${option}: ${JSON.stringify(address)} ${why}`);
  const path = address.startsWith('unix:') ? address.slice('unix:'.length).replace(/^\/\/(?=\/)/, '') : address;
  if (path !== address || path.startsWith('/')) {
    if (path === '' || path.includes('\0')) throw wrong('names no socket; such as unix:/run/x.sock');
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
      throw wrong(`is too long for a socket: ${MAX_SOCKET_PATH} bytes at most`);
    return { kind: 'unix', path };
  }
  const found = ADDRESS.exec(address);
  const [, scheme, host = '', port = ''] = found ?? [];
  const schemes = option === 'listen' ? ['grpc', 'grpcs'] : ['tcp', 'tls'];
  const examples =
    option === 'listen' ? 'unix:/run/x.sock or 127.0.0.1:50051' : 'unix:/run/x.sock or tcp://gateway:9191';
  if (found === null) throw wrong(`is no address; such as ${examples}`);
  if (scheme !== undefined && !schemes.includes(scheme.toLowerCase())) {
    throw wrong(`must begin with ${schemes.map((one) => `${one}://`).join(', ')} or nothing`);
  }
  const least = option === 'listen' ? 0 : 1;
  if (Number(port) < least || Number(port) > 65_535) throw wrong(`has a port that is not from ${least} to 65535`);
  return {
    kind: 'tcp',
    host: host.replace(/^\[|\]$/g, ''),
    port: Number(port),
    tls: scheme?.toLowerCase() === 'grpcs' || scheme?.toLowerCase() === 'tls',
  };
}

export function placesOf(
  option: 'listen' | 'connect',
  value: string | readonly string[] | undefined,
  tls: PolicyTls | undefined,
): Place[] {
  const all = value === undefined ? [] : typeof value === 'string' ? [value] : value;
  return all.map((address) => {
    if (typeof address !== 'string')
      throw new BerthError('BERTH_BAD_REQUEST', `${option} must be a text, or a list of texts`);
    const place = placeOf(option, address);
    if (
      option === 'listen' &&
      place.kind === 'tcp' &&
      place.tls &&
      (tls?.cert === undefined || tls.key === undefined)
    ) {
      throw new BerthError(
        'BERTH_BAD_REQUEST',
        `listen: ${JSON.stringify(address)} needs tls.cert and tls.key, PEM texts`,
      );
    }
    return place;
  });
}
