import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposable, eventually, freePortRange, localService } from '@berth/testing';
import {
  hasPromtool,
  metric,
  promtoolComplaints,
  replicasOf,
  send,
  testAgent,
  testGateway,
} from '@berth/testing/system';

async function serviceAt(port: number): Promise<AsyncDisposable> {
  const server = createServer((_, response) => response.end('fine')).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return disposable({}, async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
}

async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  return disposable({ path: await mkdtemp(join(tmpdir(), 'agent-')) }, ({ path }) => rm(path, { recursive: true }));
}

describe('what an agent says of itself counts at the gateway', () => {
  it('GET /agents/:id tells the truth about a local service that is not there, comes and goes (C6, C16)', async () => {
    const { start } = await freePortRange(1);
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, start, { local: { checkIntervalMs: 50 } });
    const state = async (): Promise<string | undefined> => (await replicasOf(gateway, 'agent-1'))[0]?.state;
    await eventually(async () => (await state()) === 'unhealthy');
    expect((await replicasOf(gateway, 'agent-1'))[0]?.state_reason).toContain(
      'the local service cannot be reached: it refuses connections',
    );
    const service = await serviceAt(start);
    await eventually(async () => (await state()) === 'healthy');
    expect(await (await fetch(agent.url)).text()).toBe('fine');
    await service[Symbol.asyncDispose]();
    await eventually(async () => (await state()) === 'unhealthy');
  });

  it('with --max-concurrency requests wait at the gateway for their turn, and all are answered (C7, C10)', async () => {
    let [running, most] = [0, 0];
    await using service = await localService((_, response) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        response.end('fine');
      }, 20);
    });
    await using gateway = await testGateway({ tunnel: { admission: { maxWaitMs: 10_000 } } });
    await using agent = await testAgent(gateway, service.port, { connections: 3, maxConcurrency: 4 });
    const answers = await Promise.all(Array.from({ length: 40 }, () => send(agent.port)));
    expect(answers.map(({ text }) => text)).toEqual(answers.map(() => 'fine'));
    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThan(1);
  });

  it('a configuration is in its file when the push is acknowledged, and what the command said when it failed (C19)', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'config.json');
    const command = ['sh', '-c', 'if grep -q bad; then echo "no such rule" >&2; exit 1; fi'];
    await using service = await localService((_, response) => response.end('fine'));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port, { configPush: { file, command } });
    const push = async (body: string): Promise<{ state: string; replicas: { error: string }[] }> => {
      const path = `${gateway.admin}/agents/agent-1/config`;
      const answer = await fetch(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      expect(answer.status).toBe(202);
      const { push_id: id } = (await answer.json()) as { push_id: string };
      return eventually(async () => {
        const shown = (await (await fetch(`${path}/${id}`)).json()) as { state: string; replicas: { error: string }[] };
        return ['pending', 'sent'].includes(shown.state) ? undefined : shown;
      });
    };
    expect((await push('{"rules":["good"]}')).state).toBe('acknowledged');
    expect(await readFile(file, 'utf8')).toBe('{"rules":["good"]}');
    const failed = await push('{"rules":["bad"]}');
    expect(failed.state).toBe('failed');
    expect(failed.replicas[0]?.error).toContain('no such rule');
    expect(await (await fetch(agent.url)).text()).toBe('fine');
  });

  it('its figures and those of its file stand in the metrics of the gateway, however many they are (C20)', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'figures.json');
    const gauges = Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`reading{sensor="${i}"}`, i]));
    await writeFile(file, JSON.stringify({ gauges }));
    await using service = await localService((_, response) => response.end('fine'));
    await using gateway = await testGateway();
    await using agent = await testAgent(gateway, service.port, { metrics: { file } });
    await eventually(async () => (await metric(gateway, 'berth_agent_series')) > 8000);
    expect(await metric(gateway, 'berth_reported_exchanges_total')).toBe(0);
    const text = await (await fetch(`${gateway.admin}/metrics`)).text();
    expect(text.match(/^berth_reported_reading\{/gm)).toHaveLength(8000);
    if (hasPromtool) expect(promtoolComplaints(text)).toBe('');
    expect(await metric(gateway, 'berth_connections_closed_total')).toBe(0);
    expect(await (await fetch(agent.url)).text()).toBe('fine');
  });
});
