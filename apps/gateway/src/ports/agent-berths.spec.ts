import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { type BindAddress, PooledHttpServer } from '@berth/http-server-pool';
import { silentLog } from '@berth/observability';
import { type LeaseRecord, type LeaseSource, PortAllocatorService } from '@berth/port-allocator';
import { eventually, freePortRange } from '@berth/testing';
import { Agent, LocalService } from '../agents/index.js';
import { AgentBerths } from './agent-berths.js';
import { PortKinds, type PortOrder } from './port-kinds.js';
import { LifecycleEvents } from '../lifecycle/index.js';

const agent = (id: string, kind = 'test'): LocalService => new LocalService(new Agent(id, id), 'default', kind);
const nothing = (): void => undefined;

describe('AgentBerths', () => {
  let berths: AgentBerths;
  let ports: PortAllocatorService;
  let range: { start: number; end: number };
  let built: PooledHttpServer[] = [];
  /** tells a server how often to fail before it starts */
  let failures = 0;
  /** and with what */
  let fault = new Error('no');

  class FailingServer extends PooledHttpServer {
    constructor(bind: BindAddress) {
      super('test', bind, createServer());
    }

    override async start(): Promise<void> {
      if (failures-- > 0) throw fault;
      await super.start();
    }
  }

  function berthsOn(allocator: PortAllocatorService): AgentBerths {
    const build = ({ port }: PortOrder): PooledHttpServer => {
      const server = new FailingServer({ host: '127.0.0.1', port });
      built.push(server);
      return server;
    };
    const options = { bindAttempts: 3, stopGraceMs: 1000 };
    const kinds = new PortKinds();
    kinds.add({ kind: 'test', build });
    return new AgentBerths(allocator, kinds, options, new LifecycleEvents(silentLog), silentLog);
  }

  beforeEach(async () => {
    range = await freePortRange(5);
    ports = new PortAllocatorService({ range });
    built = [];
    failures = 0;
    fault = new Error('no');
    berths = berthsOn(ports);
  });
  afterEach(() => berths.close(0));

  it('A5: one server per agent', async () => {
    await berths.start(agent('a'), nothing);
    await expect(berths.start(agent('a'), nothing)).rejects.toThrow('server already exists for agent a');
    expect(ports.list()).toHaveLength(1);
  });

  it('A5: three attempts on three ports, then it gives up with all of them put back', async () => {
    failures = 3;
    await expect(berths.start(agent('a'), nothing)).rejects.toThrow(/^failed to start server after 3 attempts/);
    expect(built.map(({ port }) => port)).toEqual([range.start, range.start + 1, range.start + 2]);
    expect(ports.list()).toEqual([]);
    expect(berths.list()).toEqual([]);
  });

  it('A5: goes on through the range past ports of other programs, and does not try them again', async () => {
    const others = await Promise.all([0, 1, 2, 3].map((i) => occupied(range.start + i)));
    expect((await berths.start(agent('a'), nothing)).port).toBe(range.end);
    expect(built).toHaveLength(5);
    await expect(berths.start(agent('b'), nothing)).rejects.toThrow(/4 of them held by other programs/);
    expect(built).toHaveLength(5);
    expect(ports.foreign().map(({ port }) => port)).toEqual([0, 1, 2, 3].map((i) => range.start + i));
    for (const other of others) other.close();
  });

  it('A5: what is wrong with the address itself is not tried on other ports, and its settings are named', async () => {
    const refused = Object.assign(new Error('listen EADDRNOTAVAIL'), { code: 'EADDRNOTAVAIL' });
    fault = new Error('cannot listen on 192.0.2.1: this machine has no such address', { cause: refused });
    failures = 1;
    await expect(berths.start(agent('a'), nothing)).rejects.toThrow(
      /^failed to start server for agent a: .*no such address \(agentPorts\.host, or listen\.host of its policy\)$/,
    );
    expect(built).toHaveLength(1);
    expect(ports.list()).toEqual([]);
  });

  it('A6: an unknown agent has no server to stop', async () => {
    await expect(berths.stop('nobody')).rejects.toThrow('no server found for agent nobody');
  });

  it('A6: is off the list at once, and the port is free when stop has resolved', async () => {
    await berths.start(agent('a'), nothing);
    const stopped = berths.stop('a');
    expect(berths.list()).toEqual([]);
    await stopped;
    expect(ports.list()).toEqual([]);
  });

  it('A6: the port is released though the server does not stop cleanly', async () => {
    await berths.start(agent('a'), nothing);
    const [server] = built;
    const stop = server?.stop.bind(server);
    if (server !== undefined) {
      server.stop = async (graceMs) => {
        await stop?.(graceMs);
        throw new Error('no');
      };
    }
    await berths.stop('a');
    expect(ports.list()).toEqual([]);
  });

  it('A3: an agent that returns in the same turn gets its port', async () => {
    await berths.start(agent('first'), nothing);
    const { port } = await berths.start(agent('a'), nothing);
    await berths.stop('first');
    const [, again] = await Promise.all([berths.stop('a'), berths.start(agent('a'), nothing)]);
    expect(again.port).toBe(port);
  });

  it('A5: nobody is told of a port before its lease is kept', async () => {
    const kept = Promise.withResolvers<undefined>();
    const changed: LeaseRecord[] = [];
    const leases: LeaseSource = {
      records: [],
      changed: (record) => void changed.push(record),
      gone: () => undefined,
      settled: () => kept.promise,
    };
    berths = berthsOn(new PortAllocatorService({ range, leases }));
    let told = false;
    const started = berths.start(agent('a'), nothing).then(() => (told = true));
    await eventually(() => changed.length > 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect([told, changed]).toMatchObject([false, [{ agentId: 'a', service: 'default', port: range.start }]]);
    kept.resolve(undefined);
    await started;
  });

  it('one that could not be bound is not kept', async () => {
    failures = 1;
    const changed: number[] = [];
    const leases: LeaseSource = {
      records: [],
      changed: ({ port }) => void changed.push(port),
      gone: () => undefined,
      settled: () => Promise.resolve(),
    };
    berths = berthsOn(new PortAllocatorService({ range, leases }));
    await berths.start(agent('a'), nothing);
    expect(changed).toEqual([range.start + 1]);
  });

  it('A8: tells whoever started it when a server ends by itself, and not when it is stopped', async () => {
    const lost: string[] = [];
    for (const id of ['a', 'b', 'c']) {
      await berths.start(agent(id), (error) => {
        lost.push(`${id} ${error.code}`);
        void berths.stop(id);
      });
    }
    await berths.stop('c');
    built[0]?.server.close();
    await eventually(() => lost.length === 1);
    // One that does not listen though nobody was told is found.
    built[1]?.server.removeAllListeners('close').close();
    berths.checkListening();
    expect(lost).toEqual(['a BERTH_SERVER_START_FAILED', 'b BERTH_SERVER_START_FAILED']);
  });

  it('A14: starts nothing any more once it was closed, not even what had begun', async () => {
    const starting = berths.start(agent('a'), nothing);
    await berths.close(0);
    await expect(starting).rejects.toMatchObject({ code: 'BERTH_DRAINING' });
    expect(built[0]?.server.listening).toBe(false);
    expect(ports.list()).toEqual([]);
  });
});

async function occupied(port: number): Promise<Server> {
  const server = createTcpServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
