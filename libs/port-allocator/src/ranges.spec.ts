import { PortAllocatorService, type PortAllocatorOptions } from './index.js';

const RANGE = { start: 8100, end: 8101 };
function start(more: Partial<PortAllocatorOptions>): PortAllocatorService {
  return new PortAllocatorService({ range: RANGE, ...more });
}

describe('several ranges', () => {
  it('are used one after the other, and are one when they are empty', () => {
    const ports = start({
      moreRanges: [
        { start: 9000, end: 9000 },
        { start: 8500, end: 8501 },
      ],
    });
    const granted = ['a', 'b', 'c', 'd', 'e'].map((id) => ports.allocate(id).port);
    expect(granted).toEqual([8100, 8101, 9000, 8500, 8501]);
    expect(() => ports.allocate('f')).toThrow('no available ports in ranges 8100-8101, 9000-9000, 8500-8501');
    expect(ports.figures()).toMatchObject({ start: 8100, end: 8101, total: 5, used: 5 });
    ports.release(9000);
    expect(ports.allocate('f').port).toBe(9000);
  });

  it('for certain agents are theirs alone, and these get no others', () => {
    const web = {
      agents: ['web-*'],
      ranges: [{ start: 9000, end: 9001 }],
      includes: (id: string) => id.startsWith('web-'),
    };
    const ports = start({ groups: [web] });
    expect(['web-1', 'web-2', 'a', 'b'].map((id) => ports.allocate(id).port)).toEqual([9000, 9001, 8100, 8101]);
    expect(() => ports.allocate('web-3')).toThrow('no available ports in range 9000-9001');
    expect(() => ports.allocate('c')).toThrow('no available ports in range 8100-8101');
    expect([ports.isFor(9000, 'web-9'), ports.isFor(8100, 'web-9'), ports.isFor(9000, 'c')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(ports.pools()).toMatchObject([
      { ranges: ['8100-8101'], agents: [], used: 2, free: 0 },
      { ranges: ['9000-9001'], agents: ['web-*'], start: 9000, end: 9001, used: 2, free: 0 },
    ]);
  });

  it('an agent whose group has changed gets a port of the new one', () => {
    const records = [{ agentId: 'web-1', service: 'default', port: 8100, pinned: false, usedAt: 1 }];
    const nothing = (): undefined => undefined;
    const leases = { records, changed: nothing, gone: nothing, settled: () => Promise.resolve() };
    const web = {
      agents: ['web-*'],
      ranges: [{ start: 9000, end: 9001 }],
      includes: (id: string) => id.startsWith('web-'),
    };
    expect(start({ leases }).allocate('web-1').port).toBe(8100);
    expect(start({ leases, groups: [web] }).allocate('web-1').port).toBe(9000);
  });

  it.each([
    [{ moreRanges: [{ start: 8101, end: 8200 }] }, 'port ranges 8100-8101 and 8101-8200 overlap'],
    [
      { groups: [{ agents: ['x'], ranges: [{ start: 8000, end: 8100 }], includes: () => true }] },
      'port ranges 8000-8100 and 8100-8101 overlap',
    ],
    [{ moreRanges: [{ start: 9, end: 8 }] }, '9-8 is not a range'],
  ])('that overlap or are none are refused: %#', (more, message) => {
    expect(() => start(more)).toThrow(message);
  });
});

describe('wishes', () => {
  const requestable = [
    { start: 8101, end: 8101 },
    { start: 9000, end: 9001 },
  ];
  const refusalOf = (run: () => unknown): unknown => {
    try {
      return run();
    } catch (thrown) {
      return thrown;
    }
  };

  it('are granted within the allow-list, in the range and out of it, and remembered', () => {
    const ports = start({ requestable });
    expect(ports.allocate('a', { wish: 9000 }).port).toBe(9000);
    expect(ports.allocate('b', { wish: 8101 }).port).toBe(8101);
    ports.release(9000);
    expect(ports.allocate('a').port).toBe(9000);
    // What is out of the ranges comes to nobody who has not asked for it.
    expect(ports.allocate('c').port).toBe(8100);
    expect(() => ports.allocate('d')).toThrow('no available ports in range 8100-8101');
  });

  it('go before the port that the service had, which is then free', () => {
    const ports = start({ requestable });
    ports.release(ports.allocate('a').port);
    ports.confirm(ports.allocate('a', { wish: 9001 }).port);
    expect(ports.remembered()).toEqual([]);
    ports.release(9001);
    expect(ports.allocate('a').port).toBe(9001);
  });

  it('do not count for who has a static or a pinned port', () => {
    const ports = start({ requestable, static: { a: 9500 } });
    ports.pin('b', 'default', 8100);
    expect(ports.allocate('a', { wish: 9000 }).port).toBe(9500);
    expect(ports.allocate('b', { wish: 9000 }).port).toBe(8100);
  });

  it('are refused by code: not allowed, static, in use, kept for another, held by another program', () => {
    const ports = start({ requestable, static: { fixed: 9001 } });
    const wish = (agentId: string, port: number): unknown => refusalOf(() => ports.allocate(agentId, { wish: port }));
    expect(wish('a', 8100)).toMatchObject({
      code: 'BERTH_PORT_NOT_REQUESTABLE',
      message: 'agent a may not ask for port 8100 (agentPorts.requestable)',
    });
    expect(wish('a', 9001)).toMatchObject({ code: 'BERTH_PORT_STATIC' });
    ports.allocate('b', { wish: 9000 });
    expect(wish('a', 9000)).toMatchObject({ code: 'BERTH_PORT_TAKEN', message: 'port 9000 is in use by agent b' });
    ports.release(9000);
    expect(wish('a', 9000)).toMatchObject({ message: 'port 9000 is kept for agent b' });
    ports.pin('b', 'default', 9000);
    expect(wish('a', 9000)).toMatchObject({ message: 'port 9000 is pinned to agent b' });
    ports.setAside(ports.allocate('c', { wish: 8101 }).port);
    expect(wish('c', 8101)).toMatchObject({
      code: 'BERTH_PORT_TAKEN',
      message: 'port 8101 is held by another program',
    });
  });
});
