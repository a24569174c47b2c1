import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposable, eventually, freePortRange, localService } from '@berth/testing';
import { type LogLine, logLines, RawGateway, testAgent } from '@berth/testing/system';
import { HealthCode, type MetricsReport } from '@berth/tunnel-protocol';

/** An HTTP service at a port that is known before. */
async function serviceAt(
  port: number,
  listener: RequestListener = (_, response) => response.end('fine'),
): Promise<AsyncDisposable> {
  const server = createServer(listener).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return disposable({}, async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
}

const UNHEALTHY = {
  state: HealthCode.unhealthy,
  message: 'the local service cannot be reached: it refuses connections',
  service: 'default',
};
const HEALTHY = { service: 'default', state: HealthCode.healthy, message: '' };
const OFTEN = { local: { checkIntervalMs: 20 } };
const SELDOM = { local: { checkIntervalMs: 600_000 } };

describe('the agent knows whether its local service is there (C6, C16)', () => {
  const ofService = (lines: LogLine[]): LogLine[] => lines.filter(({ msg }) => msg.startsWith('the local service'));

  it('says so on each connection, and in its log once for each change', async () => {
    const { start } = await freePortRange(1);
    const { log, lines } = logLines('info');
    using gateway = await RawGateway.start();
    await using agent = await testAgent(gateway, start, { connections: 2, ...OFTEN }, log);
    const both = await gateway.standing(2);
    await eventually(() => both.every(({ health }) => health.length === 1));
    const service = await serviceAt(start);
    await eventually(() => both.every(({ health }) => health.length === 2));
    await service[Symbol.asyncDispose]();
    await eventually(() => both.every(({ health }) => health.length === 3));
    for (const { health } of both) expect(health).toEqual([UNHEALTHY, HEALTHY, UNHEALTHY]);
    const target = `http://127.0.0.1:${start}`;
    expect(ofService(lines)).toMatchObject([
      { level: 'warn', target, reason: 'it refuses connections' },
      { level: 'info', target, awayMs: expect.any(Number) },
      { level: 'warn', target, reason: 'it refuses connections' },
    ]);
    expect(agent.client.inFlight).toBe(0);
  });

  it('says so on a connection that comes later, and nothing on one of a healthy agent', async () => {
    const { start } = await freePortRange(1);
    using gateway = await RawGateway.start();
    await using agent = await testAgent(gateway, start, OFTEN);
    const [first] = await gateway.standing();
    await eventually(() => first?.health.length === 1);
    first?.breakOff();
    const second = await eventually(() => gateway.connections[1]);
    await eventually(() => second.health.length === 1);
    expect(second.health).toEqual([UNHEALTHY]);
    await using _service = await serviceAt(start);
    await eventually(() => second.health.length === 2);
    second.breakOff();
    const third = await eventually(() => gateway.connections[2]);
    await eventually(() => third.hello);
    expect(await third.get('/')).toEqual({ status: 200, text: 'fine' });
    expect(third.health).toEqual([]);
    expect(agent.client.inFlight).toBe(0);
  });

  it('finds out at once through an exchange that could not reach it', async () => {
    await using service = await localService((_, response) => response.end('fine'));
    using gateway = await RawGateway.start();
    await using agent = await testAgent(gateway, service.port, SELDOM);
    const [connection] = await gateway.standing();
    expect(await connection?.get('/')).toEqual({ status: 200, text: 'fine' });
    await service.close();
    expect(await connection?.get('/')).toMatchObject({ message: expect.stringContaining('refuses connections') });
    await eventually(() => connection?.health.length === 1);
    expect(connection?.health).toEqual([UNHEALTHY]);
    expect(agent.client.inFlight).toBe(0);
  });

  it('connects to it once at the start, and not while it answers', async () => {
    let connections = 0;
    await using service = await localService((_, response) => response.end('fine'));
    service.server.on('connection', () => (connections += 1));
    using gateway = await RawGateway.start();
    await using agent = await testAgent(gateway, service.port, { local: { checkIntervalMs: 300 } });
    const [connection] = await gateway.standing();
    const until = performance.now() + 1000;
    while (performance.now() < until) expect(await connection?.get('/')).toEqual({ status: 200, text: 'fine' });
    // The look at the start, and the connection of the exchanges.
    expect(connections).toBe(2);
    expect(agent.client.inFlight).toBe(0);
  });

  it('says nothing to a gateway that takes no health, and announces none when it does not look', async () => {
    const { start } = await freePortRange(1);
    const { log, lines } = logLines('info');
    using gateway = await RawGateway.start([]);
    await using looking = await testAgent(gateway, start, OFTEN, log);
    const [connection] = await gateway.standing();
    await eventually(() => ofService(lines).length === 1);
    expect(await connection?.get('/')).toMatchObject({ message: expect.stringContaining('refuses connections') });
    expect([connection?.health, connection?.hello?.features.includes('health_reporting')]).toEqual([[], true]);
    await looking.stop();
    await using blind = await testAgent(gateway, start, { local: { checkIntervalMs: 0 } });
    const [other] = await gateway.standing();
    expect(other?.hello?.features).not.toContain('health_reporting');
    expect(blind.client.inFlight).toBe(0);
  });
});

describe('berth-agent --max-concurrency (C7)', () => {
  it('is shared by the connections, and the one that is left has all of it', async () => {
    await using service = await localService((_, response) => response.end('fine'));
    using gateway = await RawGateway.start();
    await using agent = await testAgent(gateway, service.port, {
      connections: 4,
      maxConcurrency: 10,
      reconnect: { minMs: 60_000, maxMs: 60_000, earlyForMs: 0 },
    });
    const all = await gateway.standing(4);
    const said = (): number[] => all.map(({ hello }) => hello?.limits.maxExchanges ?? 0);
    expect(said().sort()).toEqual([2, 2, 3, 3]);
    const last = (): unknown[] => all.map(({ flow }) => flow.at(-1));
    await eventually(() => String(last().sort()) === '2,2,3,3');
    for (const connection of all.slice(1)) connection.breakOff();
    await eventually(() => all[0]?.flow.at(-1) === 10);
    expect(agent.client.inFlight).toBe(0);
  });

  it('bounds what reaches the local service, however much comes for a moment', async () => {
    const held: ServerResponse[] = [];
    let most = 0;
    await using service = await localService((_, response) => {
      held.push(response);
      most = Math.max(most, held.length);
    });
    using gateway = await RawGateway.start();
    await using agent = await testAgent(gateway, service.port, { connections: 2, maxConcurrency: 2 });
    const both = await gateway.standing(2);
    const answers = both.flatMap((connection) => [connection.get('/1'), connection.get('/2')]);
    for (let done = 0; done < 4; done += 1) {
      const response = await eventually(() => held[0]);
      if (done < 3) await eventually(() => held.length === 2);
      held.splice(held.indexOf(response), 1);
      response.end('fine');
    }
    for (const answer of answers) expect(await answer).toEqual({ status: 200, text: 'fine' });
    expect(most).toBe(2);
    expect(agent.client.inFlight).toBe(0);
  });

  it('may be used up by one of several local services', async () => {
    const held: ServerResponse[] = [];
    await using service = await localService((_, response) => void held.push(response));
    using gateway = await RawGateway.start();
    const expose = { other: `http://127.0.0.1:${service.port}` };
    await using agent = await testAgent(gateway, service.port, { maxConcurrency: 2, expose });
    const [connection] = await gateway.standing();
    const answers = [connection?.get('/1', 'other'), connection?.get('/2', 'other')];
    await eventually(() => held.length === 2);
    for (const response of held) response.end('fine');
    for (const answer of answers) expect(await answer).toEqual({ status: 200, text: 'fine' });
    expect(agent.client.inFlight).toBe(0);
  });
});

describe('a configuration that is pushed to the agent (C19)', () => {
  it('is given to the command, which has the last word, in order', async () => {
    await using service = await localService((_, response) => response.end('fine'));
    using gateway = await RawGateway.start();
    const command = ['sh', '-c', 'input=$(cat); test "$input" = "[1]" || { echo "not $input" >&2; exit 3; }'];
    await using agent = await testAgent(gateway, service.port, { configPush: { command } });
    const [connection] = await gateway.standing();
    expect(connection?.hello?.features).toContain('config_push');
    connection?.session.tell('configPush', { pushId: 'a', configJson: '[1]' });
    connection?.session.tell('configPush', { pushId: 'b', configJson: '[2]' });
    await eventually(() => connection?.acks.length === 2);
    expect(connection?.acks).toEqual([
      { pushId: 'a', accepted: true, error: '' },
      { pushId: 'b', accepted: false, error: 'the command ended with exit code 3: not [2]' },
    ]);
    expect(agent.client.inFlight).toBe(0);
  });

  it('is answered on the connection on which it comes again, and applied once', async () => {
    await using folder = disposable({ path: await mkdtemp(join(tmpdir(), 'pushed-')) }, ({ path }) =>
      rm(path, { recursive: true }),
    );
    await using service = await localService((_, response) => response.end('fine'));
    using gateway = await RawGateway.start();
    const [go, runs] = [join(folder.path, 'go'), join(folder.path, 'runs')];
    const script = `echo run >> '${runs}'; until test -e '${go}'; do sleep 0.05; done`;
    await using agent = await testAgent(gateway, service.port, { configPush: { command: ['sh', '-c', script] } });
    const [first] = await gateway.standing();
    const push = { pushId: 'a', configJson: '{}' };
    first?.session.tell('configPush', push);
    await eventually(async () => (await readFile(runs, 'utf8')) === 'run\n');
    first?.breakOff();
    const second = await eventually(() => gateway.live[0]);
    second.session.tell('configPush', push);
    await writeFile(go, '');
    await eventually(() => second.acks.length === 1);
    expect([second.acks, first?.acks, await readFile(runs, 'utf8')]).toEqual([
      [{ pushId: 'a', accepted: true, error: '' }],
      [],
      'run\n',
    ]);
    expect(agent.client.inFlight).toBe(0);
  });

  it('is not asked for by an agent that has nothing to do with it, and ends no connection', async () => {
    await using service = await localService((_, response) => response.end('fine'));
    using gateway = await RawGateway.start();
    await using agent = await testAgent(gateway, service.port);
    const [connection] = await gateway.standing();
    expect(connection?.hello?.features).not.toContain('config_push');
    connection?.session.tell('configPush', { pushId: 'a', configJson: '{}' });
    expect(await connection?.get('/')).toEqual({ status: 200, text: 'fine' });
    expect([connection?.acks, agent.client.inFlight]).toEqual([[], 0]);
  });
});

describe('figures of the agent (C20)', () => {
  it('are reported when it connects and then each interval, with those of a file', async () => {
    await using folder = disposable({ path: await mkdtemp(join(tmpdir(), 'figures-')) }, ({ path }) =>
      rm(path, { recursive: true }),
    );
    const file = join(folder.path, 'figures.json');
    await writeFile(file, '{"gauges":{"temperature":21.5,"local_service_up":17}}');
    const service = await localService((_, response) => response.end('fine'));
    using gateway = await RawGateway.start();
    const { log, lines } = logLines('warn');
    const metrics = { reportIntervalMs: 50, file };
    await using agent = await testAgent(gateway, service.port, { connections: 2, metrics, ...SELDOM }, log);
    const both = await gateway.standing(2);
    const last = (): MetricsReport | undefined => both.flatMap(({ reports }) => reports).at(-1);
    await eventually(() => last()?.gauges['local_service_up'] === 1);
    for (let i = 0; i < 3; i += 1) await both[i % 2]?.get('/');
    await service.close();
    await both[0]?.get('/');
    await eventually(() => last()?.gauges['local_service_up'] === 0);
    expect(last()).toMatchObject({
      gauges: { temperature: 21.5, local_connections_in_use: 0, exchanges_waiting: 0 },
      counters: { exchanges: 4, 'exchange_failures{reason="local_unreachable"}': 1 },
    });
    expect(last()?.histograms['local_latency_seconds']?.counts.reduce((a, b) => a + b)).toBe(3);
    await eventually(() => last()?.gauges['event_loop_utilization'] !== undefined);
    await writeFile(file, '{');
    await eventually(() => last()?.gauges['temperature'] === undefined);
    expect(last()?.counters['exchanges']).toBe(4);
    expect(lines.find(({ msg }) => msg.includes('metrics.file'))).toMatchObject({ file });
    // They are the process's, and not each connection's.
    expect(both.filter(({ reports }) => reports.length > 0)).toHaveLength(1);
    expect(agent.client.inFlight).toBe(0);
  });

  it('are not sent to a gateway that takes none', async () => {
    await using service = await localService((_, response) => response.end('fine'));
    using gateway = await RawGateway.start(['flow_control']);
    await using agent = await testAgent(gateway, service.port, { metrics: { reportIntervalMs: 10 } });
    const [connection] = await gateway.standing();
    for (let i = 0; i < 20; i += 1) await connection?.get('/');
    expect([connection?.reports, agent.client.inFlight]).toEqual([[], 0]);
  });
});
