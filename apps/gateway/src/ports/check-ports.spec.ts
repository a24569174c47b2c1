import type { GatewaySettings } from '../gateway-settings.js';
import { defaultGatewaySettings } from '../gateway-settings.js';
import { AllocatorOptions } from './allocator-options.js';
import { LeaseRecords } from './lease-records.js';
import { MemoryStore } from '@berth/state';
import { silentLog } from '@berth/observability';

type Ports = Partial<GatewaySettings['agentPorts']>;
const settings = (agentPorts: Ports): GatewaySettings => defaultGatewaySettings({ agentPorts });

describe('settings of ports', () => {
  it.each<[string, Ports, RegExp]>([
    ['a range that is none', { ranges: ['9000..9100'] }, /agentPorts\.ranges.*"9000\.\.9100" is no port range/],
    ['one that is upside down', { ranges: ['9100-9000'] }, /agentPorts\.ranges.*"9100-9000" is no port range/],
    ['a port beyond', { requestable: ['70000'] }, /agentPorts\.requestable.*"70000" is no port range/],
    [
      'ranges of one list that overlap',
      { ranges: ['9000-9100', '9100'] },
      /agentPorts\.ranges.*9000-9100 and 9100 overlap/,
    ],
    [
      'one that overlaps the first',
      { ranges: ['8150-8300'] },
      /agentPorts\.ranges.*8150-8300 overlaps 8100-8200 of http\.agentPortRange/,
    ],
    [
      'one of certain agents that overlaps another',
      { ranges: ['9000-9099'], rangesByAgent: { 'web-*': '9050-9060' } },
      /9000-9099 overlaps 9050-9060 of agentPorts\.rangesByAgent/,
    ],
    [
      'two patterns that have a part in common',
      { rangesByAgent: { 'web-*': '9050-9060', 'db-*': '9060-9070' } },
      /agentPorts\.rangesByAgent.*9050-9060 overlaps 9060-9070/,
    ],
    ['a pattern that is none', { rangesByAgent: { 'a b': '9050' } }, /rangesByAgent.*"a b" is no agent id/],
    ['a pattern without a range', { rangesByAgent: { 'web-*': ' ' } }, /rangesByAgent.*"web-\*" needs a port range/],
    [
      'the admin port in a further range',
      { ranges: ['8000-8099'] },
      /http\.port.*8080 lies in agentPorts\.ranges, 8000-8099/,
    ],
    ['the gRPC port on wish', { requestable: ['9000-9100'] }, /grpc\.port.*9090 lies in agentPorts\.requestable/],
    [
      'a static port of a malformed service',
      { static: { 'a/B': 9500 } },
      /agentPorts\.static.*the local service must be/,
    ],
    ['a static port of too many parts', { static: { 'a/b/c': 9500 } }, /agentPorts\.static.*agent id "a\/b\/c"/],
  ])('%s is refused by name', (_, agentPorts, message) => {
    expect(() => settings(agentPorts)).toThrow(message);
  });

  it('patterns may share ranges, and the allocator gets each once', () => {
    const { http, agentPorts } = settings({
      ranges: ['9000-9009', '9020'],
      rangesByAgent: { 'web-*': '9100-9109 9200', 'web-9': '9300', 'api-*': ' 9100-9109  9200 ' },
      requestable: ['8150', '9500-9509'],
      static: { 'boiler/ssh': 9600 },
    });
    const records = new LeaseRecords(new MemoryStore(), silentLog);
    const options = new AllocatorOptions(http.agentPortRange, agentPorts, records, silentLog).create();
    expect(options.moreRanges).toEqual([
      { start: 9000, end: 9009 },
      { start: 9020, end: 9020 },
    ]);
    const [shared, nine] = options.groups ?? [];
    expect(shared).toMatchObject({
      agents: ['web-*', 'api-*'],
      ranges: [
        { start: 9100, end: 9109 },
        { start: 9200, end: 9200 },
      ],
    });
    expect(['web-1', 'api-1', 'web-9', 'other'].map((id) => shared?.includes(id))).toEqual([true, true, false, false]);
    expect(nine?.includes('web-9')).toBe(true);
  });
});
