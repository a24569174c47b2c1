import fc from 'fast-check';
import { type LeaseRecord, type LeaseSource, PortAllocatorService, type PortAllocatorOptions } from './index.js';

/** What a store keeps, in the simplest way. */
class Kept implements LeaseSource {
  private readonly byKey = new Map<string, LeaseRecord>();

  constructor(records: readonly LeaseRecord[] = []) {
    for (const record of records) this.changed(record);
  }

  get records(): LeaseRecord[] {
    return [...this.byKey.values()];
  }

  changed(record: LeaseRecord): void {
    this.byKey.set(`${record.agentId}/${record.service}`, record);
  }

  gone(agentId: string, service: string): void {
    this.byKey.delete(`${agentId}/${service}`);
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }
}

const RANGE = { start: 8100, end: 8102 };
const record = (agentId: string, port: number, more: Partial<LeaseRecord> = {}): LeaseRecord => ({
  ...{ agentId, service: 'default', port, pinned: false, usedAt: 1 },
  ...more,
});
let at = 1000;
function start(leases: LeaseSource, more: Partial<PortAllocatorOptions> = {}): PortAllocatorService {
  return new PortAllocatorService({ range: RANGE, leases, now: () => (at += 1), ...more });
}
function portOf(ports: PortAllocatorService, agentId: string): number {
  const { port } = ports.allocate(agentId);
  ports.confirm(port);
  return port;
}

describe('leases that outlive the process', () => {
  it('A3: each agent has its port again, in whatever order they come back', () => {
    const kept = new Kept();
    const before = start(kept);
    const had = ['a', 'b', 'c'].map((id) => portOf(before, id));
    for (const port of had) before.release(port);
    const after = start(kept);
    expect(['c', 'a', 'b'].map((id) => portOf(after, id))).toEqual([had[2], had[0], had[1]]);
  });

  it('A3: a process that was killed in the middle loses none, and those in use then count as used last', () => {
    const kept = new Kept();
    const before = start(kept);
    for (const id of ['a', 'b', 'c']) portOf(before, id);
    before.release(8102);
    const after = start(kept);
    expect(after.allocate('stranger').port).toBe(8102);
    expect(after.allocate('b').port).toBe(8101);
  });

  it('A3: a port goes to somebody else only when no other is free, then the one unused for longest', () => {
    const kept = new Kept([record('young', 8100, { usedAt: 20 }), record('old', 8102, { usedAt: 10 })]);
    const ports = start(kept);
    expect(['one', 'two', 'three'].map((id) => portOf(ports, id))).toEqual([8101, 8102, 8100]);
    expect(kept.records.map(({ agentId }) => agentId)).toEqual(['one', 'two', 'three']);
  });

  it('A3: a lease that could not be bound changes nothing of what is remembered', () => {
    const kept = new Kept([record('a', 8100), record('b', 8101, { usedAt: 2 }), record('c', 8102, { usedAt: 3 })]);
    const ports = start(kept);
    ports.release(ports.allocate('stranger').port, false);
    expect(kept.records.map(({ agentId, port }) => [agentId, port])).toEqual([
      ['a', 8100],
      ['b', 8101],
      ['c', 8102],
    ]);
    expect(ports.remembered()).toHaveLength(3);
  });

  it('each local service of an agent has a port of its own', () => {
    const kept = new Kept();
    const before = start(kept);
    for (const service of ['default', 'ssh']) before.confirm(before.allocate('a', { service }).port);
    const after = start(kept);
    expect(after.allocate('a', { service: 'ssh' })).toMatchObject({ port: 8101, service: 'ssh' });
    expect(after.allocate('a')).toMatchObject({ port: 8100, service: 'default' });
  });

  it('what the settings do not allow any more is passed over and stays in the records', () => {
    const kept = new Kept([
      record('elsewhere', 9000),
      record('static-now', 8100),
      record('in-the-way', 8101),
      record('pinned-elsewhere', 9001, { pinned: true }),
      record('as-before', 8102),
    ]);
    const warned: unknown[] = [];
    const ports = start(kept, {
      static: { 'static-now': 9500, owner: 8101 },
      warn: (message, fields) => warned.push([message, fields['agentId']]),
    });
    expect(ports.remembered().map(({ agentId }) => agentId)).toEqual(['as-before']);
    expect(warned).toEqual([[expect.stringContaining('a pinned port is not used'), 'pinned-elsewhere']]);
    expect(kept.records).toHaveLength(5);
    expect(portOf(ports, 'elsewhere')).toBe(8100);
    expect(ports.allocate('static-now').port).toBe(9500);
  });

  it('whatever comes and goes, records and memory say the same, and each restart gives the same ports', () => {
    const action = fc.record({ agent: fc.nat(7), what: fc.constantFrom('lease', 'release', 'fail', 'pin', 'free') });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 50 }), (actions) => {
        const kept = new Kept();
        let ports = start(kept);
        for (const { agent, what } of actions) act(ports, `agent-${agent}`, what);
        for (const { port } of ports.list()) ports.release(port);
        const known = ports.remembered();
        expect(known).toEqual(kept.records.sort((a, b) => a.port - b.port));
        expect(new Set(known.map(({ port }) => port)).size).toBe(known.length);
        ports = start(kept);
        for (const { agentId, port } of known.reverse()) expect(portOf(ports, agentId)).toBe(port);
        const { used, free, foreign, reserved, total } = ports.figures();
        expect(used + free + foreign + reserved).toBe(total);
      }),
    );
  });
});

/** One step of an agent, of which some are refused. */
function act(ports: PortAllocatorService, agentId: string, what: string): void {
  const { lease } = ports.portsOf(agentId);
  try {
    if (what === 'lease' && lease === undefined) portOf(ports, agentId);
    else if (what === 'release' && lease !== undefined) ports.release(lease.port);
    else if (what === 'fail' && lease === undefined) ports.release(ports.allocate(agentId).port, false);
    else if (what === 'pin') ports.pin(agentId, 'default', RANGE.start + (agentId.charCodeAt(6) % 3));
    else if (what === 'free') ports.free(agentId, 'default');
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: expect.stringMatching(/^BERTH_(PORTS_EXHAUSTED|PORT_TAKEN|NOT_FOUND)$/) });
  }
}

describe('pins', () => {
  it('keep a port for one that is away, whoever waits, over a restart as well', () => {
    const kept = new Kept();
    start(kept).pin('a', 'default', 8101);
    const ports = start(kept);
    expect(ports.figures()).toMatchObject({ total: 3, free: 2, reserved: 1 });
    expect(['x', 'y'].map((id) => ports.allocate(id).port)).toEqual([8100, 8102]);
    expect(() => ports.allocate('z')).toThrow('no available ports in range 8100-8102');
    expect(ports.allocate('a')).toMatchObject({ port: 8101, isPinned: true });
    expect(ports.figures()).toMatchObject({ used: 3, reserved: 0 });
    ports.release(8101);
    expect(() => ports.allocate('z')).toThrow('no available ports');
  });

  it('take a port from one that is away and only remembered', () => {
    const kept = new Kept([record('b', 8101)]);
    const ports = start(kept);
    ports.pin('a', 'default', 8101);
    expect(kept.records).toEqual([record('a', 8101, { pinned: true, usedAt: expect.any(Number) as number })]);
    expect(ports.allocate('b').port).toBe(8100);
  });

  it('of a connected agent count from its next registration; the port that it had is then free', () => {
    const kept = new Kept();
    const ports = start(kept);
    expect(portOf(ports, 'a')).toBe(8100);
    ports.pin('a', 'default', 8102);
    ports.release(8100);
    expect(kept.records).toEqual([record('a', 8102, { pinned: true, usedAt: expect.any(Number) as number })]);
    expect([portOf(ports, 'a'), portOf(ports, 'b'), portOf(ports, 'c')]).toEqual([8102, 8101, 8100]);
  });

  it('of the port that it has, and moved from one to the next, leave nothing behind', () => {
    const ports = start(new Kept());
    portOf(ports, 'a');
    ports.pin('a', 'default', 8100);
    expect(ports.list()).toMatchObject([{ port: 8100, isPinned: true }]);
    ports.release(8100);
    ports.pin('a', 'default', 8101);
    expect(ports.figures()).toMatchObject({ free: 2, reserved: 1 });
    expect(ports.remembered()).toMatchObject([{ agentId: 'a', port: 8101 }]);
  });

  it('are refused where somebody else has the port, or where it lies out of the ranges', () => {
    const ports = start(new Kept(), { static: { fixed: 8102, 'fixed/ssh': 9500 } });
    portOf(ports, 'b');
    ports.pin('c', 'web', 8101);
    const refusals = [
      ['a', 'default', 9000, 'BERTH_PORT_OUT_OF_RANGE', /^port 9000 is in none of the ranges: 8100-8102 /],
      ['a', 'default', 8100, 'BERTH_PORT_TAKEN', 'port 8100 is in use by agent b'],
      ['a', 'default', 8101, 'BERTH_PORT_TAKEN', 'port 8101 is pinned to service web of agent c'],
      ['c', 'other', 8101, 'BERTH_PORT_TAKEN', 'port 8101 is pinned to service web of agent c'],
      ['a', 'default', 8102, 'BERTH_PORT_STATIC', /^port 8102 is the static port of agent fixed /],
      ['fixed', 'ssh', 8100, 'BERTH_PORT_STATIC', /^agent fixed has the static port 9500 /],
    ] as const;
    for (const [agentId, service, port, code, message] of refusals) {
      expect(() => ports.pin(agentId, service, port)).toThrow(message);
      expect(() => ports.pin(agentId, service, port)).toThrow(expect.objectContaining({ code }) as Error);
    }
    expect(ports.isFixed('a')).toBe(false);
  });

  it('are not replaced when the port cannot be bound', () => {
    const ports = start(new Kept());
    ports.pin('a', 'default', 8101);
    ports.setAside(ports.allocate('a').port);
    expect(ports.figures()).toMatchObject({ foreign: 1, reserved: 0, free: 2 });
    expect(() => ports.allocate('a', { avoid: new Set([8101]) })).toThrow('pinned port 8101 of agent a is taken');
    expect(ports.allocate('a').port).toBe(8101);
  });
});

describe('freeing', () => {
  it('ends a pin, and what is remembered of one that is away', () => {
    const kept = new Kept([record('a', 8100), record('b', 8101, { pinned: true })]);
    const ports = start(kept);
    ports.free('a', 'default');
    ports.free('b', 'default');
    expect(kept.records).toEqual([]);
    expect(ports.figures()).toMatchObject({ free: 3, reserved: 0 });
    expect(['x', 'y', 'z'].map((id) => ports.allocate(id).port).sort()).toEqual([8100, 8101, 8102]);
  });

  it('leaves a port that is in use to its agent until it is released, and then it is anybody’s', () => {
    const kept = new Kept();
    const ports = start(kept);
    portOf(ports, 'a');
    portOf(ports, 'b');
    ports.free('a', 'default');
    expect(ports.list()).toHaveLength(2);
    ports.release(8100);
    ports.release(8101);
    expect(kept.records.map(({ agentId }) => agentId)).toEqual(['b']);
    expect(ports.allocate('c').port).toBe(8102);
    expect(ports.allocate('d').port).toBe(8100);
  });

  it('is refused for who has nothing, or a static port', () => {
    const ports = start(new Kept(), { static: { fixed: 8102 } });
    expect(() => {
      ports.free('nobody', 'ssh');
    }).toThrow('service ssh of agent nobody has no port');
    expect(() => {
      ports.free('fixed', 'default');
    }).toThrow(expect.objectContaining({ code: 'BERTH_PORT_STATIC' }) as Error);
  });
});
