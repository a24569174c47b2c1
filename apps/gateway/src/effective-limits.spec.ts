import { defaultGatewaySettings } from './gateway-settings.js';
import type { Log } from '@berth/observability';
import { effectiveLimits } from './effective-limits.js';

describe('effectiveLimits of the gateway', () => {
  function limits(
    agentPorts: object,
    descriptors: number,
    capacity: number,
  ): { agentPorts: unknown; warned: object[] } {
    const warned: object[] = [];
    const log = { warn: (fields: object) => void warned.push(fields) } as unknown as Log;
    const settings = effectiveLimits(defaultGatewaySettings({ agentPorts }), log, descriptors, capacity);
    const { maxConnections, maxConnectionsPerAddress, maxTotalConnections } = settings.agentPorts;
    return { agentPorts: [maxTotalConnections, maxConnections, maxConnectionsPerAddress], warned };
  }

  it.each([
    [256, 192, [192, 168, 147]],
    [20_000, 15_000, [15_000, 13_125, 11_484]],
    [1_048_576, 262_144, [262_144, 32_768, 16_384]],
    [2, 1, [1, 1, 1]],
  ])('with %d descriptors the defaults follow from them', (descriptors, capacity, expected) => {
    expect(limits({}, descriptors, capacity)).toEqual({ agentPorts: expected, warned: [] });
  });

  it('what is set stays, and what is more than the process can hold is warned of by its name', () => {
    const { agentPorts, warned } = limits({ maxConnections: 500, maxConnectionsPerAddress: 10 }, 256, 192);
    expect(agentPorts).toEqual([192, 500, 10]);
    expect(warned).toEqual([{ setting: 'agentPorts.maxConnections', value: 500, descriptors: 256, advised: 192 }]);
  });

  it.each([
    [256, 16, 16],
    [1_048_576, 400, 200],
    [Infinity, 400, 200],
  ])('with %d descriptors %d connections without an agent, %d of an address', (descriptors, all, own) => {
    const log = { warn: () => undefined } as unknown as Log;
    const { tunnel } = effectiveLimits(defaultGatewaySettings({}), log, descriptors, 192);
    expect([tunnel.maxPendingHandshakes, tunnel.maxPendingHandshakesPerAddress]).toEqual([all, own]);
  });
});
