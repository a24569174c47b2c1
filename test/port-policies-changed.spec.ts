import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, localService, RawClient } from '@berth/testing';
import {
  agentDetail,
  idle,
  logLines,
  relayTo,
  relayToListener,
  testAgent,
  testGateway,
  untilClosed,
} from '@berth/testing/system';

interface Shown {
  policy: { rate: { requestsPerSecond: number }; auth: { users: object; bearerTokens: string[] } };
  set: { rule: string; value: unknown; source: string }[];
  warnings: string[];
  error: { message: string };
}

const CLOSING = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

type Admin = Readonly<{ admin: string }>;

const url = ({ admin }: Admin, query: string): string => `${admin}/agents/agent-1/policy${query}`;

async function patch(gateway: Admin, body: unknown, query = ''): Promise<[number, Shown]> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url(gateway, query), { method: 'PATCH', headers, body: JSON.stringify(body) });
  return [response.status, (await response.json()) as Shown];
}

const shown = async (gateway: Admin, query = ''): Promise<Shown> =>
  (await (await fetch(url(gateway, query))).json()) as Shown;

const statusAt = async (port: number): Promise<number> => {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  await response.arrayBuffer();
  return response.status;
};

/** Whether a TCP port resets a connection at once. */
const isReset = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    let failed = false;
    const socket = connect(port, '127.0.0.1');
    socket
      .on('error', () => (failed = true))
      .on('close', () => {
        resolve(failed);
      });
    socket.resume();
  });

describe('rules that change while a port serves', () => {
  it('hold at once, and null takes them back', async () => {
    const policies = { '*': { limits: { maxBodyBytes: 10 } } };
    await using relay = await relayToListener((_request, response) => response.end('ok'), { gateway: { policies } });
    const { gateway, port } = relay;
    const post = async () =>
      (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x'.repeat(20) })).status;
    expect([await statusAt(port), await post()]).toEqual([200, 413]);
    const [status, first] = await patch(gateway, { access: { readOnly: true }, limits: { maxBodyBytes: 30 } });
    expect([status, first.set, first.warnings]).toEqual([
      200,
      [
        { rule: 'access.readOnly', value: true, source: 'PATCH /agents/agent-1/policy' },
        { rule: 'limits.maxBodyBytes', value: 30, source: 'PATCH /agents/agent-1/policy' },
      ],
      [],
    ]);
    expect([await statusAt(port), await post()]).toEqual([200, 405]);
    await patch(gateway, { access: null });
    expect(await post()).toBe(200);
    const [, last] = await patch(gateway, { limits: null });
    expect(last.set).toEqual([{ rule: 'limits.maxBodyBytes', value: 10, source: 'policies."*"' }]);
    expect(await post()).toBe(413);
  });

  it('leave what is under way as it is, and what other rules have counted', async () => {
    let finish: (() => void) | undefined;
    await using relay = await relayToListener((request, response) => {
      if (request.url !== '/slow') {
        response.end('ok');
        return;
      }
      response.write('first ');
      finish = () => response.end('last');
    });
    const { gateway, port } = relay;
    await patch(gateway, { rate: { requestsPerSecond: 1, burst: 3 } });
    const slow = await fetch(`http://127.0.0.1:${port}/slow`);
    expect([await statusAt(port), await statusAt(port), await statusAt(port)]).toEqual([200, 200, 429]);
    await patch(gateway, { headers: { security: true } });
    expect(await statusAt(port)).toBe(429);
    await patch(gateway, { maintenance: { enabled: true }, access: { deny: ['127.0.0.1'] } });
    expect(await statusAt(port)).toBe(403);
    finish?.();
    expect(await slow.text()).toBe('first last');
  });

  it('outlive the gateway, hold for an agent that is away, and show no secret', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-policies-'));
    try {
      const state = { file: join(folder, 'state.db') };
      const rules = { auth: { users: { ann: 'hush hush' }, bearerTokens: ['hush'] } };
      {
        await using gateway = await testGateway({ state });
        const [status, said] = await patch(gateway, rules);
        expect([status, said.policy.auth.users, said.policy.auth.bearerTokens]).toEqual([200, { ann: '***' }, ['***']]);
        expect(JSON.stringify(said)).not.toContain('hush');
        await patch(gateway, { rate: { requestsPerSecond: 5 } }, '?service=api');
      }
      const { log, text } = logLines();
      await using gateway = await testGateway({ state }, 1, log);
      await using service = await localService((_request, response) => response.end('ok'));
      await using agent = await testAgent(gateway, service.port);
      expect(await statusAt(agent.port)).toBe(401);
      expect((await shown(gateway, '?service=api')).policy.rate.requestsPerSecond).toBe(5);
      expect((await shown(gateway)).policy.rate.requestsPerSecond).toBe(0);
      expect(text()).not.toContain('hush');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('bad input changes nothing, and is answered with all that is wrong', async () => {
    await using relay = await relayToListener((_request, response) => response.end('ok'));
    const { gateway, port } = relay;
    const bad: [unknown, string, RegExp][] = [
      [{ access: { deny: ['10.0.0.0/99'] }, rate: { burst: 'x' } }, '', /rate\.burst: must be .*\naccess\.deny: "10/],
      [{ nonsense: 1 }, '', /^nonsense: is no setting; the file has|^nonsense: is no setting/],
      [[], '', /a JSON object/],
      [{ rate: 5 }, '', /rate: must be a group/],
      [{}, '?service=A%20b', /service must be/],
      [{ auth: { users: { 'a:b': 'hush' } } }, '', /^auth\.users: "a:b" must be a name without a colon/],
      [JSON.parse('{"__proto__": {"x": 1}}'), '', /__proto__: is no setting/],
    ];
    for (const [body, query, said] of bad) {
      const [status, { error }] = await patch(gateway, body, query);
      expect([status, error.message]).toEqual([400, expect.stringMatching(said)]);
      expect(error.message).not.toContain('hush');
    }
    expect([(await shown(gateway)).set, await statusAt(port)]).toEqual([[], 200]);
  });

  it('a policy that lets nobody in is allowed, and says so', async () => {
    const { log, at } = logLines();
    await using gateway = await testGateway({}, 1, log);
    await using service = await localService((_request, response) => response.end('ok'));
    await using agent = await testAgent(gateway, service.port);
    const [status, said] = await patch(gateway, { access: { deny: ['0.0.0.0/0', '::/0'] } });
    expect([status, said.warnings]).toEqual([200, ['nobody can use the port: access.deny names all addresses']]);
    expect(await statusAt(agent.port)).toBe(403);
    expect(at('warn').map(({ msg }) => msg)).toContain('nobody can use a port: access.deny names all addresses');
  });

  it('the address of a port changes when the port opens next', async () => {
    await using gateway = await testGateway();
    await using service = await localService((_request, response) => response.end('ok'));
    {
      await using agent = await testAgent(gateway, service.port);
      const [, { warnings }] = await patch(gateway, { listen: { host: '127.0.0.9' } });
      expect([warnings, await statusAt(agent.port)]).toEqual([
        ['listen.host holds when the port opens next: DELETE /agents/agent-1?now=true has it come back'],
        200,
      ]);
    }
    await using agent = await testAgent(gateway, service.port);
    await expect(statusAt(agent.port)).rejects.toThrow('fetch failed');
    expect((await fetch(`http://127.0.0.9:${agent.port}/`)).status).toBe(200);
    expect((await shown(gateway)).warnings).toEqual([]);
  });

  it('raw TCP: clients by address and connections under way; rules of HTTP are refused', async () => {
    await using service = await localService((_request, response) => response.end('ok'));
    await using relay = await relayTo(`tcp://127.0.0.1:${service.port}`);
    const { gateway, port } = relay;
    expect(await untilClosed(port, CLOSING)).toMatch(/ 200 .*ok$/s);
    const [refused, { error }] = await patch(gateway, { access: { readOnly: true } }, '?service=default');
    expect([refused, error.message]).toEqual([
      400,
      'the port of agent-1/default is for raw TCP: it cannot have access.readOnly',
    ]);
    // For all services of the agent, some of which may be HTTP.
    const [, { warnings }] = await patch(gateway, { cors: { origins: ['*'] } });
    expect(warnings).toEqual(['the port is for raw TCP, where these rules have no effect: cors.origins']);
    await patch(gateway, { limits: { maxExchangesPerClient: 1 } });
    await idle(gateway);
    using first = await RawClient.connect(port);
    await eventually(async () => (await agentDetail(gateway)).in_flight === 1);
    expect(await isReset(port)).toBe(true);
    first.send(CLOSING);
    await eventually(() => first.text().endsWith('ok'));
    first.destroy();
    await idle(gateway);
    expect(await untilClosed(port, CLOSING)).toMatch(/ 200 .*ok$/s);
    await patch(gateway, { access: { deny: ['127.0.0.1'] } });
    expect(await isReset(port)).toBe(true);
  });
});
