import { jest } from '@jest/globals';
import { type ClientRequest, request } from 'node:http';
import fc from 'fast-check';
import { AgentRegistry } from 'berth-gateway';
import { figuresOf } from '@berth/agent-pool';
import { type IncomingExchange, ResetCode } from '@berth/exchange';
import { eventually } from '@berth/testing';
import { agentDetail, answer, metric, RawAgent, testGateway, type TestGateway } from '@berth/testing/system';

jest.setTimeout(120_000);

const SHARED = { tunnel: { duplicateAgent: 'share', slowStartMs: 0, poolStrategy: 'roundRobin' } } as const;

/** A request to an agent's port that nobody tries again, and what came of it. */
class Client {
  readonly over: Promise<number>;
  private readonly outgoing: ClientRequest;

  constructor(port: number) {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.over = promise;
    this.outgoing = request({ port, host: '127.0.0.1', method: 'POST', agent: false }, (response) => {
      response.resume().on('close', () => {
        resolve(response.statusCode ?? 0);
      });
    });
    this.outgoing.on('error', () => {
      resolve(0);
    });
    this.outgoing.end('x');
  }

  /** With a reset: one that only ends its side may go on reading (docs/decisions/0006). */
  leave(): void {
    this.outgoing.socket?.resetAndDestroy();
  }
}

describe('C14: figures of agents, replicas and connections', () => {
  it('show what each of them did, and how much of it failed', async () => {
    await using gateway = await testGateway(SHARED);
    using good = await RawAgent.registered(gateway.grpcPort, 'a', { instanceId: 'good' });
    using bad = await RawAgent.registered(gateway.grpcPort, 'a', { instanceId: 'bad' });
    const sink = { data: () => undefined, end: () => undefined, failed: () => undefined, writable: () => undefined };
    good.accept = (exchange) => {
      answer(exchange, 'ok');
      return sink;
    };
    bad.accept = (exchange) => {
      exchange.reset(ResetCode.localFailed);
      return sink;
    };
    const { port } = await good.welcome;
    for (let i = 0; i < 4; i += 1) await new Client(port).over;
    const shown = await agentDetail(gateway, 'a');
    expect(shown).toMatchObject({ requests: 4, errors: 2, error_rate: 0.5, healthy: true, healthy_connections: 2 });
    const figures = { in_flight: 0, requests: 2 };
    const replica = { connections: 1, healthy_connections: 1, ...figures };
    expect(shown.replica_list).toEqual([
      expect.objectContaining({ replica_id: 'good', ...replica, errors: 0, error_rate: 0 }),
      expect.objectContaining({ replica_id: 'bad', ...replica, errors: 2, error_rate: 1 }),
    ]);
    expect(shown.connection_list).toEqual([
      expect.objectContaining({ replica_id: 'good', ...figures, errors: 0, error_rate: 0 }),
      expect.objectContaining({ replica_id: 'bad', ...figures, errors: 2, error_rate: 1 }),
    ]);
    expect(await metric(gateway, 'berth_agent_errors_by_code_total')).toBe(2);
  });

  interface Running {
    agent: RawAgent;
    exchange: IncomingExchange;
    client: Client;
  }

  /** What may happen, to which of those that are there. */
  const step = fc.tuple(
    fc.constantFrom('connect', 'ask', 'ask', 'ask', 'answer', 'begin', 'fail', 'leave', 'lose', 'drain', 'undrain'),
    fc.nat(1000),
  );

  /** Runs a story, and compares what is shown with what is known after each of its steps. */
  async function play(gateway: TestGateway, steps: readonly (readonly [string, number])[]): Promise<void> {
    const registry = gateway.app.get(AgentRegistry);
    let agents: RawAgent[] = [];
    let running: Running[] = [];
    using stack = new DisposableStack();
    const connect = async (number: number): Promise<void> => {
      if (agents.length > 5) return;
      const instanceId = `replica-${number % 3}`;
      agents.push(stack.use(await RawAgent.registered(gateway.grpcPort, 'model', { instanceId })));
    };
    const ask = async (): Promise<void> => {
      const before = agents.map(({ opened }) => opened.length);
      const client = new Client((await agents[0]?.welcome)?.port ?? 0);
      let isOver = false;
      void client.over.then(() => (isOver = true));
      await eventually(() => isOver || agents.some(({ opened }, i) => opened.length > (before[i] ?? 0)));
      const agent = agents.find(({ opened }, i) => opened.length > (before[i] ?? 0));
      if (agent !== undefined) running.push({ agent, exchange: agent.opened.at(-1) as IncomingExchange, client });
    };
    const end = async (number: number, how: (it: Running) => void): Promise<void> => {
      const [it] = running.splice(number % Math.max(1, running.length), 1);
      if (it === undefined) return;
      how(it);
      await it.client.over;
    };
    const acts: Record<string, (number: number) => void | Promise<void>> = {
      connect,
      ask,
      answer: (number) =>
        end(number, ({ exchange }) => {
          if (begun.has(exchange)) exchange.sendEnd();
          else answer(exchange, 'ok');
        }),
      fail: (number) =>
        end(number, ({ exchange }) => {
          exchange.reset(ResetCode.localFailed);
        }),
      leave: (number) =>
        end(number, ({ client }) => {
          client.leave();
        }),
      begin: (number) => {
        const it = running[number % Math.max(1, running.length)];
        if (it === undefined || begun.has(it.exchange)) return;
        begun.add(it.exchange);
        it.exchange.sendHead({ status: 200, reason: '', headers: [] });
        it.exchange.sendData(Buffer.from('begun'));
      },
      lose: async (number) => {
        const [agent] = agents.splice(number % Math.max(1, agents.length), 1);
        if (agent === undefined) return;
        agent.close();
        await Promise.all(running.filter((it) => it.agent === agent).map(({ client }) => client.over));
        running = running.filter((it) => it.agent !== agent);
      },
      drain: () => {
        registry.get('model')?.setDrained(true);
      },
      undrain: () => {
        registry.get('model')?.setDrained(false);
      },
    };
    const begun = new Set<IncomingExchange>();
    const agree = async (): Promise<void> => {
      await eventually(() => {
        const agent = registry.get('model');
        const [service] = agent?.services ?? [];
        const figures = service === undefined ? undefined : figuresOf(service.connections);
        const counts = (list: readonly { inFlight: number }[] = []): number[] => list.map(({ inFlight }) => inFlight);
        const known = agents.map((it) => running.filter(({ agent: its }) => its === it).length);
        const sum = (list: readonly number[]): number => list.reduce((all, one) => all + one, 0);
        return (
          registry.inFlight === running.length &&
          (figures?.inFlight ?? 0) === running.length &&
          counts(figures?.connections).sort().join() === known.sort().join() &&
          sum(counts(figures?.replicas)) === running.length
        );
      });
    };
    await connect(0);
    for (const [what, number] of steps) {
      if (agents.length === 0) await connect(number);
      await acts[what]?.(number);
      await agree();
    }
    for (const agent of agents) agent.close();
    agents = [];
    running = [];
    await eventually(() => registry.inFlight === 0 && registry.get('model') === undefined);
    expect(await metric(gateway, 'berth_exchanges_in_flight')).toBe(0);
  }

  it('never leave anything in flight behind, however exchanges and connections end (model)', async () => {
    await using gateway = await testGateway(SHARED);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40, size: 'max' }), (steps) => play(gateway, steps)),
      { numRuns: 25, endOnFailure: true },
    );
  });
});
