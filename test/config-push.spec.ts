import { eventually } from '@berth/testing';
import { logLines, metric, RawAgent, testGateway, type TestGateway } from '@berth/testing/system';
import { type LifecycleEventMap, LifecycleEvents } from 'berth-gateway';

interface PushAnswer {
  push_id: string;
  agent_id: string;
  state: string;
  bytes: number;
  replicas: { replica_id: string; state: string; tries: number; error: string; settled_at: string | null }[];
}

const JSON_TYPE = { 'content-type': 'application/json' };
const TAKES = { features: ['config_push'] };

describe('C19: configurations for agents', () => {
  async function send({ admin }: TestGateway, path: string, body: string, headers: object = {}): Promise<Response> {
    return fetch(`${admin}${path}`, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } });
  }

  async function pushTo(gateway: TestGateway, id: string, body: string): Promise<PushAnswer> {
    const answer = await send(gateway, `/agents/${id}/config`, body);
    expect(answer.status).toBe(202);
    return (await answer.json()) as PushAnswer;
  }

  async function stateOf({ admin }: TestGateway, { agent_id: id, push_id: pushId }: PushAnswer): Promise<PushAnswer> {
    return (await (await fetch(`${admin}/agents/${id}/config/${pushId}`)).json()) as PushAnswer;
  }

  const codeOf = async (answer: Response): Promise<[number, string]> => [
    answer.status,
    ((await answer.json()) as { error: { code: string } }).error.code,
  ];

  it('reaches the agent byte by byte, and its answer is shown, counted, logged and told', async () => {
    const log = logLines('info');
    await using gateway = await testGateway({}, 4, log.log);
    const told: LifecycleEventMap['config.settled'][0][] = [];
    gateway.app.get(LifecycleEvents).on('config.settled', (it) => void told.push(it));
    using agent = await RawAgent.registered(gateway.grpcPort, 'takes', TAKES);
    // A parser would make 9007199254740992 of it.
    const config = '{ "big": 9007199254740993, "text": "ä" }';
    const push = await pushTo(gateway, 'takes', config);
    expect(push).toMatchObject({ agent_id: 'takes', state: 'sent', bytes: 41 });
    await eventually(() => agent.configs.length === 1);
    expect(agent.configs).toEqual([{ pushId: push.push_id, configJson: config }]);
    expect(await metric(gateway, 'berth_config_pushes_pending')).toBe(1);
    agent.session.tell('configAck', { pushId: push.push_id, accepted: true, error: '' });
    const over = await eventually(async () => {
      const now = await stateOf(gateway, push);
      return now.state === 'sent' ? undefined : now;
    });
    const replica = { replica_id: 'instance of takes', state: 'acknowledged', tries: 1, error: '' };
    expect(over).toMatchObject({ state: 'acknowledged', replicas: [replica] });
    expect(over.replicas[0]?.settled_at).toMatch(/^\d{4}-.*Z$/);
    await eventually(() => told.length === 1);
    const { push_id: pushId } = push;
    const event = { agentId: 'takes', replicaId: 'instance of takes', pushId, state: 'acknowledged', error: '' };
    expect(told).toEqual([event]);
    expect(log.lines.filter(({ msg }) => msg === 'configuration acknowledged')).toHaveLength(1);
    expect(await metric(gateway, 'berth_config_pushes_pending')).toBe(0);
    expect(await metric(gateway, 'berth_config_pushes_total')).toBe(1);
  });

  it('goes to all agents that can take it, and names the others', async () => {
    await using gateway = await testGateway();
    using one = await RawAgent.registered(gateway.grpcPort, 'one', TAKES);
    // The path of a push to all is no agent's, whatever agents are called.
    using two = await RawAgent.registered(gateway.grpcPort, 'config', TAKES);
    using _three = await RawAgent.registered(gateway.grpcPort, 'three');
    const answer = await send(gateway, '/agents/config', '[1]');
    expect(answer.status).toBe(202);
    const { pushes, count, skipped } = (await answer.json()) as {
      pushes: PushAnswer[];
      count: number;
      skipped: object[];
    };
    expect([pushes.map((push) => push.agent_id).sort(), count]).toEqual([['config', 'one'], 2]);
    expect(skipped).toEqual([expect.objectContaining({ agent_id: 'three', code: 'BERTH_CONFIG_PUSH_UNSUPPORTED' })]);
    await eventually(() => one.configs.length === 1 && two.configs.length === 1);
    expect((await fetch(`${gateway.admin}/agents/config`)).status).toBe(200);
    expect((await fetch(`${gateway.admin}/agents/config`, { method: 'DELETE' })).status).toBe(204);
  });

  it('shows what each replica made of it, and comes again over the next connection of one that lost its own', async () => {
    await using gateway = await testGateway({ tunnel: { duplicateAgent: 'share' }, configPush: { retryMs: 20 } });
    using a = await RawAgent.registered(gateway.grpcPort, 'shared', { ...TAKES, instanceId: 'a' });
    using b = await RawAgent.registered(gateway.grpcPort, 'shared', { ...TAKES, instanceId: 'b' });
    const push = await pushTo(gateway, 'shared', '{}');
    await eventually(() => a.configs.length === 1 && b.configs.length === 1);
    b.session.tell('configAck', { pushId: push.push_id, accepted: false, error: 'no such rule' });
    a.close();
    await eventually(async () => (await stateOf(gateway, push)).state === 'pending');
    using again = await RawAgent.registered(gateway.grpcPort, 'shared', { ...TAKES, instanceId: 'a' });
    await eventually(() => again.configs.length === 1);
    expect(again.configs[0]?.pushId).toBe(push.push_id);
    again.session.tell('configAck', { pushId: push.push_id, accepted: true, error: '' });
    const over = await eventually(async () => {
      const now = await stateOf(gateway, push);
      return now.state === 'failed' ? now : undefined;
    });
    expect(over.replicas).toEqual([
      expect.objectContaining({ replica_id: 'a', state: 'acknowledged', tries: 2 }),
      expect.objectContaining({ replica_id: 'b', state: 'failed', tries: 1, error: 'no such rule' }),
    ]);
  });

  it('expires when the agent says nothing, and a flood of answers to nothing changes nothing', async () => {
    await using gateway = await testGateway({ configPush: { ackTimeoutMs: 300, history: 1 } });
    using agent = await RawAgent.registered(gateway.grpcPort, 'mute', TAKES);
    const push = await pushTo(gateway, 'mute', '{}');
    for (let i = 0; i < 10_000; i += 1) {
      agent.session.tell('configAck', { pushId: `none-${i}`, accepted: true, error: 'x'.repeat(100) });
    }
    await eventually(async () => (await stateOf(gateway, push)).state === 'expired');
    const next = await pushTo(gateway, 'mute', '{}');
    agent.session.tell('configAck', { pushId: next.push_id, accepted: true, error: '' });
    await eventually(async () => (await stateOf(gateway, next)).state === 'acknowledged');
    const listed = (await (await fetch(`${gateway.admin}/agents/mute/config`)).json()) as { pushes: PushAnswer[] };
    expect(listed.pushes.map(({ push_id: id }) => id)).toEqual([next.push_id]);
    expect(await codeOf(await fetch(`${gateway.admin}/agents/mute/config/${push.push_id}`))).toEqual([
      404,
      'BERTH_NOT_FOUND',
    ]);
  });

  it('refuses what it cannot push, and says why', async () => {
    await using gateway = await testGateway({ configPush: { maxBytes: 1000, maxPendingPerAgent: 1 } });
    using _plain = await RawAgent.registered(gateway.grpcPort, 'plain');
    using _takes = await RawAgent.registered(gateway.grpcPort, 'takes', TAKES);
    const refusal = async (path: string, body: string, headers?: object): Promise<[number, string]> =>
      codeOf(await send(gateway, path, body, headers));
    expect(await refusal('/agents/unknown/config', '{}')).toEqual([404, 'BERTH_NOT_FOUND']);
    expect(await refusal('/agents/plain/config', '{}')).toEqual([409, 'BERTH_CONFIG_PUSH_UNSUPPORTED']);
    for (const path of ['/agents/takes/config', '/agents/config']) {
      expect(await refusal(path, '{')).toEqual([400, 'BERTH_BAD_REQUEST']);
      expect(await refusal(path, '')).toEqual([400, 'BERTH_BAD_REQUEST']);
      expect(await refusal(path, '7')).toEqual([400, 'BERTH_BAD_REQUEST']);
      expect(await refusal(path, JSON.stringify(['x'.repeat(1000)]))).toEqual([413, 'BERTH_BODY_TOO_LARGE']);
      expect(await refusal(path, JSON.stringify(['x'.repeat(100_000)]))).toEqual([413, 'BERTH_BODY_TOO_LARGE']);
      const text = { 'content-type': 'text/plain' };
      expect(await refusal(path, '{}', text)).toEqual([415, 'BERTH_UNSUPPORTED_MEDIA_TYPE']);
      expect(await refusal(path, '{}', { origin: 'http://evil.example' })).toEqual([403, 'BERTH_CROSS_SITE']);
    }
    await pushTo(gateway, 'takes', '{}');
    expect(await refusal('/agents/takes/config', '{}')).toEqual([429, 'BERTH_TOO_MANY_PUSHES']);
    expect(await codeOf(await fetch(`${gateway.admin}/agents/unknown/config`))).toEqual([404, 'BERTH_NOT_FOUND']);
  });

  it('takes 256 KiB, and asks for the token', async () => {
    await using gateway = await testGateway({ admin: { token: 'secret' } });
    using agent = await RawAgent.registered(gateway.grpcPort, 'takes', TAKES);
    const config = JSON.stringify(['x'.repeat(262_140)]);
    expect(config).toHaveLength(262_144);
    expect((await send(gateway, '/agents/takes/config', config)).status).toBe(401);
    expect(agent.configs).toEqual([]);
    const withToken = { authorization: 'Bearer secret' };
    expect((await send(gateway, '/agents/takes/config', config, withToken)).status).toBe(202);
    await eventually(() => agent.configs.length === 1);
    expect(agent.configs[0]?.configJson).toBe(config);
  });
});
