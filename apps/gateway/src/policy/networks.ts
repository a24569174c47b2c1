import { BlockList, isIPv6 } from 'node:net';
import { networkOf } from './policy-checks.js';

/**
 * A set of addresses.
 *
 * @param list checked addresses and networks
 * @returns whether an address is in it; an unknown one (empty) is in none
 */
export function networks(list: readonly string[]): (address: string) => boolean {
  const set = new BlockList();
  for (const item of list) {
    const network = networkOf(item);
    if (network !== undefined) set.addSubnet(network.address, network.bits, network.family);
  }
  return (address) => address !== '' && set.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
