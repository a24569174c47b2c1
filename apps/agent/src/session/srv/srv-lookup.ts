import { promises, type SrvRecord } from 'node:dns';
import { BerthError } from '@berth/errors';
import { isHostAndPort } from '../../gateway-address.js';
import { orderByWeight } from './srv-order.js';

/** Gateways that are tried for one attempt; a name may have any number of records. */
const MOST_TRIED = 16;

/** What c-ares says (RFC 1035 section 4.1.1 has the codes of servers), and what people are told. */
const FAILURES: Readonly<Record<string, (name: string, setting: string) => string>> = {
  ENOTFOUND: (name, setting) => `there is no name ${name} in the DNS: check ${setting}, and the DNS of this machine`,
  ENODATA: (name, setting) => `${name} has no SRV records: check ${setting}, or have them added`,
  ESERVFAIL: (name) => `the DNS server could not look up ${name} (SERVFAIL): its log says why`,
  EBADRESP: (name) => `what the DNS server answered for ${name} cannot be read: check the DNS of this machine`,
  EREFUSED: (name) => `the DNS server refuses to look up ${name} (REFUSED): check the DNS of this machine`,
  ECONNREFUSED: (name) => `no DNS server could be reached for ${name}: check the DNS of this machine`,
  ETIMEOUT: (name) => `no DNS server answered when asked for ${name}: check the network and the DNS of this machine`,
};

export interface SrvLookupOptions {
  /** time for an answer, ms */
  timeoutMs: number;
  /** what people call the setting with the name; default `gateway` */
  setting?: string;
  /** DNS servers, as `Resolver.setServers` takes them; undefined: those of the machine */
  servers?: readonly string[] | undefined;
  /** 0 <= x < 1 */
  random?: () => number;
}

/** Finds gateways by SRV records. Whoever asks while the DNS is being asked gets the same answer. */
export class SrvLookup {
  private readonly asking = new Map<string, Promise<SrvRecord[]>>();
  private readonly resolvers = new Set<promises.Resolver>();

  constructor(private readonly options: SrvLookupOptions) {}

  /**
   * Asks the DNS; nothing is kept from one time to the next.
   *
   * @param name `_service._tcp.domain`
   * @param favourite taken first if it is among them: called when the records are there
   * @returns each as `host:port`, the one to try first in front; never empty
   * @throws BerthError `BERTH_CONNECTION_CLOSED` saying why there is none
   */
  async find(name: string, favourite: () => string | undefined = () => undefined): Promise<string[]> {
    let asked = this.asking.get(name);
    if (asked === undefined) {
      asked = this.ask(name).finally(() => this.asking.delete(name));
      this.asking.set(name, asked);
    }
    const records = await asked;
    const all = records.map(addressOf);
    const first = favourite();
    const wanted = first !== undefined && all.includes(first) ? [first, ...all] : all;
    return [...new Set(wanted)].slice(0, MOST_TRIED);
  }

  /** Whoever waits is told that there is none. */
  close(): void {
    for (const resolver of this.resolvers) resolver.cancel();
  }

  /** Records of hosts that can be dialled, in the order to try them. */
  private async ask(name: string): Promise<SrvRecord[]> {
    const { random, servers, setting = 'gateway', timeoutMs } = this.options;
    // A new one each time: it reads anew which servers the machine has, and remembers no answer.
    const resolver = new promises.Resolver();
    if (servers !== undefined) resolver.setServers(servers);
    const timer = setTimeout(() => {
      resolver.cancel();
    }, timeoutMs);
    this.resolvers.add(resolver);
    try {
      return usable(name, await resolver.resolveSrv(name), setting, random);
    } catch (thrown) {
      throw thrown instanceof BerthError
        ? thrown
        : failure(name, (thrown as NodeJS.ErrnoException).code ?? 'error', setting);
    } finally {
      clearTimeout(timer);
      this.resolvers.delete(resolver);
    }
  }
}

function usable(name: string, records: readonly SrvRecord[], setting: string, random?: () => number): SrvRecord[] {
  // The name has others, or another name.
  if (records.length === 0) throw failure(name, 'ENODATA', setting);
  const known = records.map((each) => ({ ...each, name: each.name.replace(/\.$/, '') }));
  const hosts = known.filter((each) => isHostAndPort(addressOf(each)));
  if (hosts.length > 0) return orderByWeight(hosts, hosts.length, random);
  // RFC 2782: a target of "." says that the service is not there.
  const what = known.some((each) => each.name === '')
    ? `${name} says that there is no gateway (SRV record with the target "."): ask those whose domain it is`
    : `${name} has no SRV record with a host name and a port that can be dialled`;
  throw new BerthError('BERTH_CONNECTION_CLOSED', what);
}

function addressOf({ name, port }: Pick<SrvRecord, 'name' | 'port'>): string {
  return `${name}:${port}`;
}

function failure(name: string, code: string, setting: string): BerthError {
  const sentence = FAILURES[code === 'ECANCELLED' ? 'ETIMEOUT' : code];
  return new BerthError(
    'BERTH_CONNECTION_CLOSED',
    sentence?.(name, setting) ?? `${name} could not be looked up (${code})`,
  );
}
