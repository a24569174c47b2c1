import { jest } from '@jest/globals';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpServerPool } from '@berth/http-server-pool';
import { collectGarbage, eventually, type TcpRelay, tcpRelay } from '@berth/testing';
import {
  agentIds,
  ask,
  type Asked,
  codeIn,
  metric,
  type NamedEcho,
  namedEcho,
  portsOf,
  Program,
  type TestAgent,
  testAgent,
  type TestGateway,
  testGateway,
  urlOf,
} from '@berth/testing/system';
import { AgentRegistry, LifecycleEvents } from 'berth-gateway';

/** How long agents come and go; `FLAP_SECONDS=60 npm test -- test/flapping-agents` has them do so for a minute. */
const SECONDS = Number(process.env['FLAP_SECONDS'] ?? 8);
const LANES = 100;
/** The last of them share the ids of the first. */
const IDS = 80;
/** So many are processes of their own, and killed. */
const PROGRAMS = 2;
/** Longest time between two rounds of an agent, ms. */
const PAUSE_MS = 500;
/** By turns. A link that swallows costs the time of a ping. */
const ENDS = ['leaves', 'is cut off and stays away', 'is cut off'].flatMap((end) => [end, end]).concat('is swallowed');
/** Longer than any turn of an event loop that a hundred agents and their gateway share. */
const PING = { pingIntervalMs: 200, pingTimeoutMs: 4000 };

jest.setTimeout(SECONDS * 1000 + 120_000);

describe(`${LANES} agents that come and go`, () => {
  it('leave nothing behind, are never taken for each other, and do nothing twice', async () => {
    await using stack = new AsyncDisposableStack();
    const tunnel = { duplicateAgent: 'share', slowStartMs: 0, ...PING } as const;
    const gateway = stack.use(await testGateway({ tunnel }, IDS + 20));
    const crowd = new Crowd(gateway);
    const lanes = await Promise.all(Array.from({ length: LANES }, (_, i) => Lane.start(crowd, i, stack)));
    // A service and a link each, and two ports of the gateway; what looked for free ports is still closing.
    const before = await eventually(() => {
      const now = resources();
      return now['TCPServerWrap'] === 2 * LANES + 2 ? now : undefined;
    });
    const end = performance.now() + SECONDS * 1000;
    await Promise.all(lanes.map((lane) => lane.run(() => performance.now() > end)));

    expect(crowd.wrong).toEqual([]);
    expect([...crowd.asked].filter(([key, times]) => key.startsWith('POST') && times > 1)).toEqual([]);
    await eventually(() => gateway.app.get(AgentRegistry).list().length === 0, 10_000);
    expect([...gateway.app.get(HttpServerPool)].map(({ name }) => name)).toEqual(['admin']);
    await eventually(() => {
      // What a file before this one has left may have closed meanwhile.
      const more = Object.entries(resources()).filter(([kind, count]) => count > (before[kind] ?? 0));
      expect(more).toEqual([]);
      return true;
    }, 10_000);
    await eventually(() => {
      expect(crowd.remembered()).toBe(0);
      return true;
    }, 20_000);
    expect(await agentIds(gateway)).toEqual([]);
    expect(await portsOf(gateway)).toMatchObject({ used: 0, leases: [] });
    for (const name of ['berth_agents', 'berth_agent_servers', 'berth_exchanges_in_flight', 'berth_port_pool_used']) {
      expect([name, await metric(gateway, name)]).toEqual([name, 0]);
    }
    // It was not idle.
    for (const what of ENDS) expect(crowd.ends.get(what)).toBeGreaterThanOrEqual(LANES / 10);
    expect(crowd.ends.get('is killed')).toBeGreaterThanOrEqual(PROGRAMS);
    if (process.env['FLAP_SECONDS'] !== undefined) console.log(Object.fromEntries(crowd.ends), crowd.counts, before);
  });
});

/** What the lanes have in common. */
class Crowd {
  readonly asked: Asked = new Map();
  readonly wrong: unknown[] = [];
  readonly ends = new Map<string, number>();
  readonly counts = { right: 0, lost: 0, away: 0, connections: 0 };
  private readonly seen: WeakRef<object>[] = [];

  constructor(readonly gateway: TestGateway) {
    gateway.app.get(LifecycleEvents).on('connection.opened', ({ agentId }) => {
      this.counts.connections += 1;
      const agent = gateway.app.get(AgentRegistry).get(agentId);
      if (agent === undefined) return;
      const members = agent.services.flatMap(({ connections }) => [connections, ...connections.members]);
      for (const it of [agent, ...agent.connections, ...agent.services, ...members]) this.seen.push(new WeakRef(it));
    });
  }

  ended(how: string): void {
    this.ends.set(how, (this.ends.get(how) ?? 0) + 1);
  }

  /** Agents, connections and what pools know of them, that something still holds on to. */
  remembered(): number {
    collectGarbage();
    return this.seen.filter((it) => it.deref() !== undefined).length;
  }
}

/** One agent that comes and goes, the service behind it, the link before it, and its client. */
class Lane {
  private round = 0;
  private requests = 0;

  private constructor(
    private readonly crowd: Crowd,
    private readonly number: number,
    private readonly id: string,
    private readonly service: NamedEcho,
    private readonly link: TcpRelay,
  ) {}

  static async start(crowd: Crowd, number: number, stack: AsyncDisposableStack): Promise<Lane> {
    const id = `agent-${number % IDS}`;
    const service = stack.use(await namedEcho(`${id}/${number}`, crowd.asked, { ms: 20 }));
    return new Lane(crowd, number, id, service, stack.use(await tcpRelay(crowd.gateway.grpcPort)));
  }

  async run(over: () => boolean): Promise<void> {
    const isProgram = this.number >= IDS - PROGRAMS && this.number < IDS;
    while (!over()) {
      // Not all at once.
      await sleep(Math.random() * PAUSE_MS);
      await (isProgram ? this.killed() : this.once());
      this.round += 1;
    }
  }

  private async once(): Promise<void> {
    const how = ENDS[(this.number + this.round) % ENDS.length] ?? 'leaves';
    const options = { id: this.id, shutdown: { timeoutMs: 20_000 } };
    await using agent = await testAgent({ grpcPort: this.link.port }, this.service.port, options);
    await this.ask(agent.port, 4, this.isAlone ? [] : LOST);
    const underWay = this.ask(agent.port, 4, how === 'leaves' && this.isAlone ? AWAY : LOST);
    await sleep(Math.random() * 30);
    this.crowd.ended(how);
    if (how === 'is cut off') await this.returns(agent, () => this.link.cut());
    else if (how === 'is swallowed') await this.returns(agent, () => this.link.swallow());
    else if (how === 'is cut off and stays away') {
      this.link.cut();
      await agent.stop();
    } else await agent.stop();
    await underWay;
  }

  private async killed(): Promise<void> {
    const args = [String(this.service.port), '--id', this.id, '--gateway', `127.0.0.1:${this.crowd.gateway.grpcPort}`];
    await using agent = new Program('agent', args);
    const { port } = await urlOf(agent);
    await this.ask(port, 4, []);
    const underWay = this.ask(port, 4, LOST);
    agent.kill('SIGKILL');
    this.crowd.ended('is killed');
    await underWay;
  }

  /** What happens to the link; the agent comes back by itself and is asked again. */
  private async returns(agent: TestAgent, happens: () => void): Promise<void> {
    const old = new Set(this.connections);
    const back = once(agent.client, 'ready');
    happens();
    await back;
    // One that was swallowed lasts until its Pong is late.
    await eventually(() => !this.connections.some((it) => old.has(it)), 20_000);
    await this.ask(agent.port, 2, this.isAlone ? [] : LOST);
  }

  private get connections(): string[] {
    return (
      this.crowd.gateway.app
        .get(AgentRegistry)
        .get(this.id)
        ?.connections.map(({ id }) => id) ?? []
    );
  }

  private get isAlone(): boolean {
    return this.number >= LANES - IDS && this.number < IDS;
  }

  /** GET and POST in turn, all at once. @param allowed codes of those that may be lost */
  private async ask(port: number, count: number, allowed: readonly string[]): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.askOnce(port, allowed)));
  }

  private async askOnce(port: number, allowed: readonly string[]): Promise<void> {
    const { crowd, number, id } = this;
    const method = (this.requests += 1) % 2 === 0 ? 'GET' : 'POST';
    const path = `/${number}/${this.requests}`;
    const body = method === 'POST' ? `body of ${path}` : '';
    const { status, text } = await ask(port, { method, path, body });
    if (status === 200 && text.startsWith(`${id}/`) && text.endsWith(` ${method} ${path} ${body}`)) {
      crowd.counts.right += 1;
      return;
    }
    const code = status === 0 ? text : status === 200 ? 'WRONG' : codeIn(text);
    if (!allowed.includes(code)) crowd.wrong.push({ id, method, path, port, status, text });
    else if (code === 'BERTH_AGENT_LOST') crowd.counts.lost += 1;
    else crowd.counts.away += 1;
  }
}

/** What a request meets that comes when its agent has gone. */
const AWAY = ['BERTH_AGENT_UNAVAILABLE', 'ECONNREFUSED', 'ECONNRESET'];
/** What a request meets whose agent goes without a word. */
const LOST = ['BERTH_AGENT_LOST', ...AWAY];

/** What keeps this process going, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    // Those come and go with whatever runs.
    if (kind !== 'Immediate' && kind !== 'Timeout') counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
