import { type DnsAnswer, dnsServer, eventually } from '@berth/testing';
import { SrvLookup } from './srv-lookup.js';

const NAME = '_berth._tcp.example.test';

const hosts = (count: number): DnsAnswer =>
  Array.from({ length: count }, (_, i) => ({ priority: i, weight: 0, target: `gw${i}.example.test`, port: 9090 }));

describe('a look-up of SRV records', () => {
  it('A19: one that is closed keeps nobody waiting', async () => {
    await using dns = await dnsServer({ [NAME]: 'silent' });
    const lookup = new SrvLookup({ timeoutMs: 3_600_000, servers: [dns.address] });
    const found = lookup.find(NAME).catch((thrown: unknown) => thrown);
    await eventually(() => dns.asked.length > 0);
    lookup.close();
    expect(await found).toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
  });

  it('A19: whoever asks meanwhile gets the same answer, and later another one', async () => {
    await using dns = await dnsServer({ [NAME]: hosts(1) });
    const lookup = new SrvLookup({ timeoutMs: 5000, servers: [dns.address] });
    await Promise.all([lookup.find(NAME), lookup.find(NAME)]);
    expect(dns.asked).toHaveLength(1);
    dns.names.set(NAME, hosts(2));
    expect(await lookup.find(NAME)).toEqual(['gw0.example.test:9090', 'gw1.example.test:9090']);
  });

  it('A19: 16 are tried at most, and the favourite is among them if it has a record', async () => {
    await using dns = await dnsServer({ [NAME]: hosts(30) });
    const lookup = new SrvLookup({ timeoutMs: 5000, servers: [dns.address] });
    const found = await lookup.find(NAME, () => 'gw29.example.test:9090');
    expect(found).toHaveLength(16);
    expect(found.slice(0, 2)).toEqual(['gw29.example.test:9090', 'gw0.example.test:9090']);
    expect((await lookup.find(NAME, () => 'gw30.example.test:9090'))[0]).toBe('gw0.example.test:9090');
  });
});
