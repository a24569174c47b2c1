import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { GoawayReason } from '@berth/tunnel-protocol';
import { HttpServerPool } from '@berth/http-server-pool';
import { eventually, localService, RawClient } from '@berth/testing';
import { listens, logLines, RawAgent, testAgent, testGateway } from '@berth/testing/system';
import { AgentBerths, AgentRegistry } from 'berth-gateway';

describe('the gateway shuts down', () => {
  it('A14: what is under way is answered, and the end does not wait longer than that', async () => {
    let finish: (() => void) | undefined;
    await using service = await localService((_, response) => {
      response.write('begun ');
      finish = () => response.end('and done');
    });
    const gateway = await testGateway({ shutdown: { timeoutMs: 60_000 } });
    await using agent = await testAgent(gateway, service.port);
    // fetch keeps its connection alive: the gateway must not wait for that either.
    const response = await fetch(agent.url);
    const ended = gateway.close();
    await eventually(async () => !(await listens(agent.port)));
    finish?.();
    expect(await response.text()).toBe('begun and done');
    await ended;
  });

  it('A14: what does not end is cut off when the time is over', async () => {
    await using service = await localService((_, response) => response.write('begun'));
    const gateway = await testGateway({ shutdown: { timeoutMs: 700 } });
    await using agent = await testAgent(gateway, service.port);
    const response = await fetch(agent.url);
    await gateway.close();
    await expect(response.text()).rejects.toThrow();
  });

  it('A14: connections on which nothing was asked hold nothing up', async () => {
    const gateway = await testGateway({ shutdown: { timeoutMs: 60_000 } });
    await using agent = await testAgent(gateway, 1);
    const [client, admin] = [await RawClient.connect(agent.port), await RawClient.connect(gateway.adminPort)];
    await gateway.close();
    await eventually(() => client.ended && admin.ended);
  });

  it('A14: agents are told, and one that dials in meanwhile is refused with UNAVAILABLE', async () => {
    const gateway = await testGateway({ shutdown: { timeoutMs: 60_000 } });
    using agent = await RawAgent.registered(gateway.grpcPort, 'busy');
    using client = await RawClient.connect((await agent.welcome).port);
    client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n');
    await eventually(() => agent.opened[0]);
    const ended = gateway.close();
    await eventually(() => agent.goaways[0]);
    expect(agent.goaways).toMatchObject([{ reason: GoawayReason.shutdown, reconnect: false }]);
    using late = new RawAgent(gateway.grpcPort).hello('late');
    expect((await late.status).code).toBe(status.UNAVAILABLE);
    expect(late.refused).toMatchObject({ code: 'BERTH_DRAINING', retryable: true });
    const ready = await fetch(`${gateway.admin}/health/ready`);
    expect(ready.status).toBe(503);
    client.destroy();
    await ended;
  });

  it('A14: a server that starts while the gateway ends does not outlive it', async () => {
    const gateway = await testGateway();
    const berths = gateway.app.get(AgentBerths);
    const registry = gateway.app.get(AgentRegistry);
    const start = berths.start.bind(berths);
    let closed: Promise<void> | undefined;
    berths.start = (...args) => {
      const starting = start(...args);
      closed = gateway.close();
      return starting;
    };
    using agent = new RawAgent(gateway.grpcPort).hello('late');
    expect((await agent.status).code).toBe(status.UNAVAILABLE);
    await closed;
    expect(registry.list()).toEqual([]);
    expect(berths.list()).toEqual([]);
    expect(await listens(gateway.range.start)).toBe(false);
  });

  it('A7: stops all servers, whatever one of them does', async () => {
    const { log, at } = logLines();
    const gateway = await testGateway({}, 4, log);
    await using stack = new AsyncDisposableStack();
    for (const id of ['a', 'b', 'c']) {
      stack.use(await RawAgent.registered(gateway.grpcPort, id));
    }
    const servers = [...gateway.app.get(HttpServerPool).filter('name', { regex: '^agent ' })];
    const [, faulty] = servers;
    if (faulty === undefined) throw new Error('three servers were expected');
    const stop = faulty.stop.bind(faulty);
    faulty.stop = async (graceMs) => {
      await stop(graceMs);
      throw new Error('a fault of this server');
    };
    await gateway.close();
    for (const { port } of servers) expect(await listens(port)).toBe(false);
    // A16: a failure to stop is an ERROR, and the only one.
    expect(at('error')).toMatchObject([{ msg: 'agent server did not stop cleanly' }]);
  });

  it('A18: everything has stopped: agent ports, gRPC port, admin port', async () => {
    const { log, at } = logLines();
    const gateway = await testGateway({}, 4, log);
    const agents = [];
    await using stack = new AsyncDisposableStack();
    for (const id of ['a', 'b']) agents.push(stack.use(await testAgent(gateway, 1, { id })));
    const lost = agents.map(({ client }) => once(client, 'lost'));
    await gateway.close();
    await Promise.all(lost);
    for (const port of [gateway.adminPort, gateway.grpcPort, ...agents.map((it) => it.port)]) {
      expect(await listens(port)).toBe(false);
    }
    expect(at('error')).toEqual([]);
  });
});
