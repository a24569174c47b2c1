import { printable, type Style } from '@berth/observability';
import type { ServiceAddress } from '../session/agent-address.js';

/** Whether a local service takes connections: not looked yet, yes, or why not. */
export type ServiceState = undefined | true | string;

/** How an address without a URL is told. */
export function missingUrl(gateway: string, isSilo: boolean): string {
  return isSilo ? `connected to ${gateway}, which alone knows the port` : `no port at ${gateway}`;
}

/**
 * Where the local services can be reached, a line for each, in columns.
 *
 * @param without stands where there is no URL
 */
export function addressBlock(
  services: readonly ServiceAddress[],
  without: string,
  stateOf: (name: string) => ServiceState,
  style: Style,
): string {
  const rows = services.map(({ name, target, url }) => ({
    url: printable(url === '' ? without : url),
    target: printable(target),
    name: services.length > 1 ? ` (${name})` : '',
    state: stateOf(name),
  }));
  const widthOf = (key: 'url' | 'target' | 'name'): number => Math.max(...rows.map((row) => row[key].length));
  const [urls, targets, names] = [widthOf('url'), widthOf('target'), widthOf('name')];
  return rows
    .map(({ url, target, name, state }) => {
      // Padding stands outside of the colours, so that a click on the address takes it alone.
      const address = style('cyan', url) + ' '.repeat(urls - url.length);
      return `  ${address} -> ${(target.padEnd(targets) + name.padEnd(names) + stateText(state, style)).trimEnd()}\n`;
    })
    .join('');
}

function stateText(state: ServiceState, style: Style): string {
  if (state === undefined) return '';
  return state === true
    ? `  ${style('green', 'answers')}`
    : `  ${style('red', `does not answer: ${printable(state)}`)}`;
}
