import { join } from 'node:path';
import { logLines, relayToListener } from '@berth/testing/system';
import { folder, lab, noAdmin, until, wafAt } from '../apps/gateway/testing/waf-lab.js';

describe('policy agents as operators see them', () => {
  it('are listed, with what they can do and what they decided (C14, C15, C21)', async () => {
    await using setup = await lab();
    const { admin, get, metrics } = setup;
    expect(await get('/open')).toEqual([200, 'ok']);
    expect(await get('/admin/x?secret=1')).toEqual([403, 'not here']);
    const list = await admin('GET', '/policy-agents');
    expect(list.body).toMatchObject({
      policy_agents: [
        { name: 'waf', source: 'policyAgents.waf', state: 'healthy', questions: 2, stopped: 1, failures: 0 },
      ],
      count: 1,
    });
    const { body } = await admin('GET', '/policy-agents/waf');
    expect(body).toMatchObject({
      connections: [
        { transport: 'unix', capabilities: { agent_id: 'waf-0', events: ['request_headers', 'configure'] } },
      ],
      questions_by_outcome: { 'request_headers allow': 1, 'request_headers block': 1 },
      rule_hits: { 'no-admin': 1 },
      breaker: 'closed',
    });
    expect(body.decisions[0]).toMatchObject({
      ...{
        event: 'request_headers',
        outcome: 'block',
        status: 403,
        request: 'GET /admin/x',
        client_address: '127.0.0.1',
      },
      audit: { rule_ids: ['no-admin'], confidence: 0.5 },
    });
    const text = await metrics();
    expect(text).toContain(
      'berth_policy_agent_questions_total{policy_agent="waf",event="request_headers",outcome="block"} 1',
    );
    expect(text).toContain('berth_policy_agent_rule_hits_total{policy_agent="waf",rule="no-admin"} 1');
    expect(text).toContain('berth_policy_agent_connections{policy_agent="waf",state="healthy"} 1');
    expect(text).toMatch(/berth_policy_agent_question_duration_seconds_count\{policy_agent="waf"\} 2/);
    expect(setup.logText()).toContain('policy agent has stopped an exchange');
    expect(setup.logText()).not.toContain('secret=1');
  });

  it('are added, changed and taken back by requests, and ports may name them', async () => {
    await using setup = await lab();
    const { admin, get, path } = setup;
    const wrong = await admin('PATCH', '/agents/agent-1/policy', { inspect: { agents: ['second'] } });
    expect([wrong.status, wrong.body.error.message]).toEqual([
      400,
      'inspect.agents: "second" is no policy agent; there is waf (policyAgents)',
    ]);
    const put = await admin('PUT', '/policy-agents/second', { address: path, paths: ['/second*'], connections: 1 });
    expect([put.status, put.body.source]).toEqual([200, 'PUT /policy-agents/second']);
    expect((await admin('PATCH', '/agents/agent-1/policy', { inspect: { agents: ['second'] } })).status).toBe(200);
    await until(async () => expect(await get('/second')).toEqual([200, 'ok']));
    expect(await get('/admin')).toEqual([200, 'ok']);
    expect((await admin('PATCH', '/policy-agents/second', { paths: null })).body.settings.paths).toEqual([]);
    expect((await get('/admin'))[0]).toBe(403);
    expect((await admin('DELETE', '/policy-agents/second')).status).toBe(204);
    const [status, text] = await get('/open');
    expect([status, text]).toEqual([503, expect.stringContaining('there is no policy agent second')]);
    expect(await get('/open')).toEqual([503, expect.stringContaining('BERTH_POLICY_UNAVAILABLE')]);
    expect(setup.logText().match(/names a policy agent that there is not/g)).toHaveLength(1);
    const { warnings } = (await admin('GET', '/agents/agent-1/policy')).body;
    expect(warnings).toEqual(['there is no policy agent second: requests are refused (inspect.agents)']);
    expect((await admin('DELETE', '/policy-agents/waf')).status).toBe(404);
  });

  it.each([
    ['PUT', '/policy-agents/x', { address: 'http://a' }, 400, /^address: must be grpc/],
    ['PUT', '/policy-agents/x', [], 400, /must be settings/],
    ['PUT', '/policy-agents/a%20b', { address: 'a:1' }, 400, /^the name must be/],
    ['PUT', '/policy-agents/x', { address: 'reverse' }, 400, /needs policyListener/],
    ['PATCH', '/policy-agents/none', { timeoutMs: 1 }, 404, /none not found/],
    ['PATCH', '/policy-agents/waf', { timeoutMs: 0 }, 400, /^timeoutMs: must be/],
    ['POST', '/policy-agents/none/drain', undefined, 404, /none not found/],
    ['POST', '/policy-agents/waf/drain?now=1', undefined, 400, /now is no parameter/],
    ['GET', '/policy-agents?state=odd', undefined, 400, /^state must be one of/],
    ['GET', '/policy-agents/waf/config/push-1', undefined, 404, /no push/],
  ])('%s %s %j is answered with %i', async (method, where, sent, status, message) => {
    await using setup = await lab();
    const { status: got, body } = await setup.admin(method, where, sent);
    expect([got, body.error.message]).toEqual([status, expect.stringMatching(message)]);
  });

  it('show no secret', async () => {
    await using setup = await lab(noAdmin, { config: { key: 'hush-hush' } });
    expect(setup.waf.heard).toContainEqual(expect.objectContaining({ configJson: '{"key":"hush-hush"}' }));
    const { body } = await setup.admin('GET', '/policy-agents/waf');
    expect(body.settings.config).toEqual({ key: '***' });
    const printed = JSON.stringify(body) + setup.logText() + (await setup.metrics());
    expect(printed).not.toContain('hush-hush');
  });

  it('are drained, asked again, and given new connections', async () => {
    await using setup = await lab(noAdmin, { whenUnavailable: 'open' });
    const { admin, get, waf } = setup;
    expect((await admin('POST', '/policy-agents/waf/drain')).body).toMatchObject({ state: 'drained', drained: true });
    expect(await get('/admin')).toEqual([200, 'ok']);
    expect((await admin('POST', '/policy-agents/waf/undrain')).body.state).toBe('healthy');
    expect((await get('/admin'))[0]).toBe(403);
    const [before] = waf.links;
    expect((await admin('POST', '/policy-agents/waf/reconnect')).status).toBe(200);
    await until(() => {
      expect([waf.links.size, [...waf.links][0] === before]).toEqual([1, false]);
    });
  });

  it('take configurations, and say what became of them (C19)', async () => {
    await using setup = await lab();
    const { admin, waf } = setup;
    const pushed = await admin('POST', '/policy-agents/waf/config', { block: ['/x'] });
    expect([pushed.status, pushed.body.bytes]).toEqual([202, 16]);
    await until(async () => {
      const { body } = await admin('GET', `/policy-agents/waf/config/${pushed.body.push_id}`);
      expect(body).toMatchObject({ state: 'acknowledged', tries: 1, error: '' });
    });
    expect(waf.heard).toContainEqual(expect.objectContaining({ kind: 'configure', configJson: '{"block":["/x"]}' }));
    expect((await admin('GET', '/policy-agents/waf/config')).body.count).toBe(1);
    await admin('PUT', '/policy-agents/away', { address: '/nowhere/away.sock' });
    expect(await admin('POST', '/policy-agents/config', { block: ['/y'] })).toMatchObject({
      status: 202,
      body: { pushes: [{ name: 'waf' }], skipped: [{ name: 'away', code: 'BERTH_CONFIG_PUSH_UNSUPPORTED' }] },
    });
    expect((await admin('POST', '/policy-agents/waf/config', '')).status).toBe(400);
  });

  it('ask for changes, and report metrics (C18, C20)', async () => {
    await using setup = await lab(noAdmin, { acceptUpdates: ['list'] });
    const { admin, metrics, waf } = setup;
    const update = { kind: 'configUpdate', requestId: 'u-1', timestampMs: 0 } as const;
    waf.says({ ...update, change: { kind: 'list', listId: 'bad', add: ['192.0.2.66'], remove: [] } });
    waf.says({ ...update, requestId: 'u-2', change: { kind: 'reload' } });
    const metric = { name: 'hits_total', labels: { rule: 'a"b' }, value: 3 };
    const report = { agentId: 'waf-0', timestampMs: 0, intervalMs: 0, gauges: [], histograms: [] };
    waf.says({ kind: 'metrics', ...report, counters: [metric] });
    await until(async () => {
      const { body } = await admin('GET', '/policy-agents/waf/updates');
      expect(body).toMatchObject({
        lists: [{ list_id: 'bad', entries: ['192.0.2.66'] }],
        updates: [
          { request_id: 'u-2', kind: 'reload', accepted: false },
          { request_id: 'u-1', kind: 'list', accepted: true },
        ],
      });
      expect(await metrics()).toContain('berth_reported_hits_total{policy_agent="waf",replica="waf-0",rule="a\\"b"} 3');
    });
  });

  it('are replaced while requests go on, and none is lost', async () => {
    await using stack = new AsyncDisposableStack();
    const setup = stack.use(await lab());
    const second = join(folder(stack), 'second.sock');
    const other = stack.use(await wafAt(second, noAdmin));
    let going = true;
    const seen = new Map<string, number>();
    const client = async (): Promise<void> => {
      for (let i = 0; going; i += 1) {
        const [path, expected] = i % 2 === 0 ? (['/open', 200] as const) : (['/admin', 403] as const);
        const [status] = await setup.get(path);
        const key = status === expected ? 'right' : `${path} ${status}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (const address of [second, setup.path, second, setup.path, second]) {
      const put = await setup.admin('PUT', '/policy-agents/waf', { address, connections: 2 });
      expect(put.status).toBe(200);
      await until(() => {
        expect([other.links.size, setup.waf.links.size]).toEqual(address === second ? [2, 0] : [0, 2]);
      });
    }
    going = false;
    await Promise.all(clients);
    expect([...seen.keys()]).toEqual(['right']);
  });

  it('that go away are said to be, and found again', async () => {
    await using stack = new AsyncDisposableStack();
    const path = join(folder(stack), 'waf.sock');
    const gateway = {
      policyAgents: { waf: { address: path, connections: 1 } },
      policies: { '*': { inspect: { agents: ['waf'] } } },
    };
    const { log, text } = logLines();
    const relay = stack.use(await relayToListener((_, response) => response.end('ok'), { gateway, log }));
    const status = async () => (await fetch(`http://127.0.0.1:${relay.port}/`)).status;
    const state = async () =>
      ((await (await fetch(`${relay.gateway.admin}/policy-agents/waf`)).json()) as { state: string }).state;
    // It starts without the agent.
    expect([await status(), await state()]).toEqual([503, 'away']);
    await until(() => expect(text()).toContain('policy agent cannot be reached'));
    {
      await using waf = await wafAt(path, noAdmin);
      await fetch(`${relay.gateway.admin}/policy-agents/waf/reconnect`, { method: 'POST' });
      await until(async () => expect([await state(), waf.links.size]).toEqual(['healthy', 1]));
      expect(await status()).toBe(200);
    }
    await until(async () => expect(await state()).toBe('away'));
    expect(await status()).toBe(503);
    expect(text()).toMatch(/policy agent is away/);
  });
});
