import { errorOf, make } from '../testing/allocator-lab.js';

describe('static ports', () => {
  const fixed = { static: { boiler: 8101, shed: 9500 } };

  it('A19: belong to their agent, in the range and out of it, and are counted apart', () => {
    const { ports } = make(fixed);
    expect(ports.allocate('shed')).toEqual({
      port: 9500,
      agentId: 'shed',
      service: 'default',
      leasedAt: 1000,
      isStatic: true,
      isPinned: false,
    });
    expect(ports.allocate('a').port).toBe(8100);
    expect(ports.allocate('b').port).toBe(8102);
    expect(() => ports.allocate('c')).toThrow('no available ports');
    expect(ports.allocate('boiler').port).toBe(8101);
    expect(ports.figures()).toEqual({
      start: 8100,
      end: 8102,
      total: 2,
      used: 2,
      free: 0,
      foreign: 0,
      reserved: 0,
      staticUsed: 2,
    });
  });

  it('A19: one that is taken or cannot be bound is refused by name, not replaced', () => {
    const { ports } = make(fixed);
    ports.allocate('boiler');
    expect(() => ports.allocate('boiler')).toThrow('static port 8101 of agent boiler is taken');
    expect(errorOf(() => ports.allocate('shed', { avoid: new Set([9500]) }))).toMatchObject({
      code: 'BERTH_PORTS_EXHAUSTED',
    });
    ports.release(8101);
    expect(ports.allocate('boiler').port).toBe(8101);
  });
});
