import { BlockList, isIPv6 } from 'node:net';
import { networkOf } from './policy-checks.js';

/** Answers that are remembered: addresses come back, and a look into the list takes as long as the rest of a rule. */
const MAX_KNOWN = 4096;

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
  const known = new Map<string, boolean>();
  return (address) => {
    if (address === '') return false;
    let isIn = known.get(address);
    if (isIn !== undefined) return isIn;
    isIn = set.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(address, isIn);
    return isIn;
  };
}
