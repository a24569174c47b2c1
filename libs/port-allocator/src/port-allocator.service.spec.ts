import { BerthError } from '@berth/errors';
import fc from 'fast-check';
import { errorOf, make } from '../testing/allocator-lab.js';
import { type PortAllocatorService } from './index.js';

describe('PortAllocatorService', () => {
  it('A1: the range is inclusive at both ends: 8100-8200 is 101 ports', () => {
    const { ports } = make({ range: { start: 8100, end: 8200 } });
    const granted = Array.from({ length: 101 }, (_, agent) => ports.allocate(`agent-${agent}`).port);
    expect(granted[0]).toBe(8100);
    expect(granted.at(-1)).toBe(8200);
    expect(ports.figures()).toEqual({
      start: 8100,
      end: 8200,
      total: 101,
      used: 101,
      free: 0,
      foreign: 0,
      reserved: 0,
      staticUsed: 0,
    });
  });

  it.each([
    [8200, 8100],
    [0, 10],
    [-5, 10],
    [1, 65_536],
    [1.5, 10],
    [Number.NaN, 10],
  ])('A1: the range %d-%d is refused, and the error names the setting', (start, end) => {
    const making = (): unknown => make({ range: { start, end } });
    expect(making).toThrow(BerthError);
    expect(errorOf(making)).toMatchObject({ code: 'BERTH_CONFIG_INVALID' });
    expect(making).toThrow(/agentPortRange/);
  });

  it('A1: a range of one port, and one of all ports', () => {
    expect(make({ range: { start: 1, end: 1 } }).ports.allocate('a').port).toBe(1);
    expect(make({ range: { start: 1, end: 65_535 } }).ports.figures().total).toBe(65_535);
  });

  it('A2: the first free port is granted', () => {
    const { ports } = make();
    expect(['a', 'b', 'c'].map((agent) => ports.allocate(agent).port)).toEqual([8100, 8101, 8102]);
    ports.release(8101);
    expect(ports.allocate('d').port).toBe(8101);
  });

  it('A3: a port changes hands only when none is left that nobody has had', () => {
    const { ports } = make();
    ports.release(ports.allocate('one').port);
    expect(ports.allocate('two').port).toBe(8101);
    expect(ports.allocate('one').port).toBe(8100);
    expect(ports.allocate('three').port).toBe(8102);
  });

  it('A3: of the ports that others had, the one free for the longest is granted', () => {
    const { ports } = make();
    for (const agent of ['a', 'b', 'c']) ports.allocate(agent);
    for (const port of [8102, 8100, 8101]) ports.release(port);
    expect(['x', 'y', 'z'].map((agent) => ports.allocate(agent).port)).toEqual([8102, 8100, 8101]);
  });

  it('A3: a port that no agent comes back to goes before the last port of one that may', () => {
    const { ports } = make();
    ports.allocate('a');
    ports.allocate('b');
    ports.release(8101);
    ports.release(8100);
    // Its own port cannot be bound this time: it has another one from now on.
    ports.release(ports.allocate('a', { avoid: new Set([8100]) }).port);
    expect(ports.allocate('stranger').port).toBe(8100);
    expect(ports.allocate('b').port).toBe(8101);
    expect(ports.allocate('a').port).toBe(8102);
  });

  it('A3: one whose server could not start has no claim to the port', () => {
    const { ports } = make();
    ports.release(ports.allocate('a').port);
    const { port } = ports.allocate('a', { avoid: new Set([8100]) });
    ports.release(port, false);
    expect(ports.allocate('a').port).toBe(8100);
  });

  it('A2: an exhausted range refuses at once, with its bounds in the message and the figures in a warning', () => {
    const { ports, warnings } = make();
    for (const agent of ['a', 'b', 'c']) ports.allocate(agent);
    const refusal = (): unknown => ports.allocate('d');
    expect(refusal).toThrow('no available ports in range 8100-8102');
    expect(errorOf(refusal)).toMatchObject({ code: 'BERTH_PORTS_EXHAUSTED', grpcStatus: 8 });
    expect(warnings[0]).toEqual({
      message: 'port range exhausted',
      fields: { agentId: 'd', start: 8100, end: 8102, total: 3, used: 3, free: 0, foreign: 0, reserved: 0 },
    });
    ports.release(8102);
    expect(ports.allocate('d').port).toBe(8102);
  });

  it('A2: ports that could not be bound are passed over, for this attempt', () => {
    const { ports } = make();
    expect(ports.allocate('a', { avoid: new Set([8100, 8101]) }).port).toBe(8102);
    expect(ports.allocate('b').port).toBe(8100);
    expect(() => ports.allocate('c', { avoid: new Set([8101]) })).toThrow('no available ports');
  });

  it('A3: release is idempotent; an unknown port changes nothing and is warned of', () => {
    const { ports, warnings } = make();
    const { port } = ports.allocate('a');
    ports.release(port);
    expect(warnings).toEqual([]);
    ports.release(port);
    ports.release(9999);
    expect(warnings.map(({ fields }) => fields)).toEqual([{ port: 8100 }, { port: 9999 }]);
    expect(ports.figures()).toMatchObject({ used: 0, free: 3 });
  });

  it('A3: an agent that returns gets its old port while that is free', () => {
    const { ports } = make();
    ports.allocate('a');
    const before = ports.allocate('b').port;
    ports.release(8100);
    ports.release(before);
    expect(ports.allocate('b').port).toBe(before);
  });

  it('A3: a port that somebody else has had since is no longer remembered for the first', () => {
    const { ports } = make({ range: { start: 8100, end: 8101 } });
    ports.release(ports.allocate('a').port);
    ports.allocate('keeps the other');
    ports.release(ports.allocate('b').port);
    ports.release(8101);
    expect(ports.allocate('b').port).toBe(8100);
    expect(ports.allocate('a').port).toBe(8101);
  });

  it('A3: an old port that cannot be bound any more gives way to another', () => {
    const { ports } = make();
    ports.release(ports.allocate('a').port);
    expect(ports.allocate('a', { avoid: new Set([8100]) }).port).toBe(8101);
  });

  it('A4: the list is a snapshot: changing it changes nothing', () => {
    const { ports } = make();
    ports.allocate('b');
    ports.allocate('a');
    const list = ports.list();
    expect(list).toEqual([
      { port: 8100, agentId: 'b', service: 'default', leasedAt: 1000, isStatic: false, isPinned: false },
      { port: 8101, agentId: 'a', service: 'default', leasedAt: 1000, isStatic: false, isPinned: false },
    ]);
    Object.assign(list[0] ?? {}, { port: 1, agentId: 'x' });
    list.pop();
    ports.release(8101);
    expect(ports.list()).toEqual([
      { port: 8100, agentId: 'b', service: 'default', leasedAt: 1000, isStatic: false, isPinned: false },
    ]);
  });

  it('A4: allocations made at once are unique', async () => {
    const { ports } = make({ range: { start: 8100, end: 8200 } });
    const agents = Array.from({ length: 101 }, (_, index) => `agent-${index}`);
    const leases = await Promise.all(agents.map(async (agent) => (await Promise.resolve(), ports.allocate(agent))));
    expect(new Set(leases.map(({ port }) => port)).size).toBe(101);
  });

  it('A4: whatever comes and goes, no port has two agents and the figures add up', () => {
    const action = fc.record({ agent: fc.nat(9), release: fc.boolean(), foreign: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        let at = 0;
        const options = { range: { start: 8100, end: 8105 }, static: { 'agent-9': 8103 }, foreignMs: 5000 };
        const { ports } = make({ ...options, monotonic: () => (at += 100) });
        const held = new Map<string, number>();
        for (const { agent, release, foreign } of actions) {
          const id = `agent-${agent}`;
          const port = held.get(id);
          if (port !== undefined && release) {
            if (foreign) ports.setAside(port);
            else ports.release(port);
            held.delete(id);
          } else if (port === undefined) {
            held.set(id, allocateOrNothing(ports, id) ?? 0);
            if (held.get(id) === 0) held.delete(id);
          }
          const taken = [...held.values()];
          expect(new Set(taken).size).toBe(taken.length);
          expect(ports.list().map((lease) => lease.port)).toEqual(taken.sort((a, b) => a - b));
          const { used, free, foreign: others, total, staticUsed } = ports.figures();
          expect([used + free + others, used + staticUsed]).toEqual([total, taken.length]);
          expect(ports.foreign().filter((other) => taken.includes(other.port))).toEqual([]);
        }
      }),
    );
  });
});

describe('ports of other programs', () => {
  it('are passed over while others are free, listed, and counted as neither free nor used', () => {
    let at = 0;
    const { ports } = make({ foreignMs: 60_000, monotonic: () => at });
    ports.setAside(ports.allocate('a').port);
    expect(ports.allocate('a').port).toBe(8101);
    ports.release(8101);
    expect(ports.foreign()).toEqual([{ port: 8100, foundAt: 1000 }]);
    expect(ports.figures()).toMatchObject({ total: 3, used: 0, free: 2, foreign: 1 });
    at = 59_999;
    expect(['b', 'c'].map((agent) => ports.allocate(agent).port)).toEqual([8102, 8101]);
    at = 60_000;
    expect(ports.foreign()).toEqual([]);
    expect(ports.allocate('d').port).toBe(8100);
  });

  it('are tried again after a second when nothing else is left, once per registration', () => {
    let at = 0;
    const { ports, warnings } = make({ range: { start: 8100, end: 8101 }, monotonic: () => at });
    for (const tried of [new Set<number>(), new Set([8100])])
      ports.setAside(ports.allocate('a', { avoid: tried }).port);
    expect(() => ports.allocate('b')).toThrow(
      'no available ports in range 8100-8101 (2 of them held by other programs, see GET /ports)',
    );
    expect(warnings.at(-1)?.fields).toMatchObject({ foreign: 2, free: 0 });
    at = 1000;
    ports.setAside(ports.allocate('b').port);
    expect(ports.allocate('b', { avoid: new Set([8100]) }).port).toBe(8101);
    expect(ports.foreign()).toMatchObject([{ port: 8100 }]);
    at = 1999;
    expect(() => ports.allocate('c')).toThrow('no available ports');
  });

  it('go back to the agent that had them last, when they are free again', () => {
    let at = 0;
    const { ports } = make({ monotonic: () => at, foreignMs: 10 });
    ports.release(ports.allocate('a').port);
    ports.setAside(ports.allocate('a').port);
    at = 10;
    expect(ports.allocate('a').port).toBe(8100);
  });

  it('may be static ones, which never go to anybody else', () => {
    let at = 0;
    const { ports } = make({ static: { boiler: 8101, shed: 9500 }, monotonic: () => at, foreignMs: 10 });
    for (const agent of ['boiler', 'shed']) ports.setAside(ports.allocate(agent).port);
    expect(ports.foreign().map(({ port }) => port)).toEqual([8101, 9500]);
    expect(ports.figures()).toMatchObject({ total: 2, free: 2, foreign: 0 });
    expect(ports.allocate('shed').port).toBe(9500);
    at = 10;
    expect(['a', 'b'].map((agent) => ports.allocate(agent).port)).toEqual([8100, 8102]);
    expect(() => ports.allocate('c')).toThrow('no available ports in range 8100-8102');
  });
});

function allocateOrNothing(ports: PortAllocatorService, agentId: string): number | undefined {
  try {
    return ports.allocate(agentId).port;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'BERTH_PORTS_EXHAUSTED' });
    return undefined;
  }
}
