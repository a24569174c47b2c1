import { defaultAgentSettings } from './agent-settings.js';
import type { Log } from '@berth/observability';
import { effectiveLimits } from './effective-limits.js';

describe('effectiveLimits of the agent', () => {
  function limits(overrides: object, descriptors: number, capacity: number): { limits: number[]; warned: object[] } {
    const warned: object[] = [];
    const log = { warn: (fields: object) => void warned.push(fields) } as unknown as Log;
    const settings = defaultAgentSettings({ target: 'http://127.0.0.1:1', id: 'a', ...overrides });
    const { local, tunnel } = effectiveLimits(settings, log, descriptors, capacity);
    return { limits: [local.maxConnections, tunnel.maxExchanges], warned };
  }

  it.each([
    [256, 192, [192, 192]],
    [1_048_576, 262_144, [262_144, 32_768]],
  ])('with %d descriptors the defaults follow from them', (descriptors, capacity, expected) => {
    expect(limits({}, descriptors, capacity)).toEqual({ limits: expected, warned: [] });
  });

  it('warns of more connections than there are descriptors, and names the setting', () => {
    const { limits: set, warned } = limits({ local: { maxConnections: 300 }, tunnel: { maxExchanges: 5 } }, 256, 192);
    expect(set).toEqual([300, 5]);
    expect(warned).toEqual([{ setting: 'local.maxConnections', value: 300, descriptors: 256, advised: 192 }]);
  });

  it.each([
    [{ maxConcurrency: 20 }, 20],
    [{ maxConcurrency: 20, tunnel: { maxExchanges: 7 } }, 7],
    [{ maxConcurrency: 1000 }, 192],
  ])('no connection takes more than maxConcurrency: %j', (overrides, expected) => {
    expect(limits(overrides, 256, 192).limits[1]).toBe(expected);
  });
});
