import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { block, type PolicyAgent, startPolicyAgent } from 'berth-policy';
import { eventually, freePortRange } from '@berth/testing';
import { logLines, relayToListener, testGateway } from '@berth/testing/system';

const POLICIES = { '*': { inspect: { agents: ['waf'] } } };

const waf = (connect: string, over: { id?: string; token?: string; connections?: number } = {}): Promise<PolicyAgent> =>
  startPolicyAgent({
    name: 'waf',
    connect,
    log: () => undefined,
    onRequest: (request) => (request.path.startsWith('/admin') ? block(403, 'no') : undefined),
    ...over,
  });

async function lab(policyListener: object, agent: object) {
  const { log, text } = logLines();
  const gateway = { policyListener, policies: POLICIES, policyAgents: { waf: { address: 'reverse', ...agent } } };
  const relay = await relayToListener((_, response) => response.end('ok'), { gateway, log });
  const status = async (path: string): Promise<number> => (await fetch(`http://127.0.0.1:${relay.port}${path}`)).status;
  const shown = async () =>
    (await (await fetch(`${relay.gateway.admin}/policy-agents/waf`)).json()) as {
      state: string;
      state_reason: string;
      connection_count: number;
      connections: { transport: string; capabilities: { agent_id: string } }[];
    };
  return { relay, status, shown, text };
}

describe('policy agents that dial the gateway (C17)', () => {
  it('register at its socket under the ids that are expected, and judge', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'berth-door-'));
    stack.defer(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 'door.sock');
    const { relay, status, shown } = await lab({ path }, { ids: ['waf-*'] });
    stack.use(relay);
    expect(await status('/')).toBe(503);
    expect((await shown()).state_reason).toBe('it is expected to dial policyListener and to register as waf-*');
    stack.use(await waf(`unix:${path}`, { id: 'waf-7' }));
    await eventually(async () => (await shown()).state === 'healthy');
    expect([await status('/'), await status('/admin')]).toEqual([200, 403]);
    const [connection] = (await shown()).connections;
    expect([connection?.transport, connection?.capabilities.agent_id]).toEqual(['reverse', 'waf-7']);
    // Another timeout is another agent behind the name: who dialled in comes again.
    const headers = { 'Content-Type': 'application/json' };
    const patch = { method: 'PATCH', headers, body: '{"timeoutMs":2000}' };
    await fetch(`${relay.gateway.admin}/policy-agents/waf`, patch);
    await eventually(async () => (await status('/admin')) === 403);
  });

  it('show the token, and are refused without it, by id and in number', async () => {
    await using stack = new AsyncDisposableStack();
    const { start: port } = await freePortRange(1);
    const listener = { port, maxConnectionsPerAgent: 2 };
    const { relay, shown, text } = await lab(listener, { token: 'open sesame' });
    stack.use(relay);
    const door = `tcp://127.0.0.1:${port}`;
    stack.use(await waf(door, { token: 'a wrong one' }));
    stack.use(await waf(door, { id: 'other', token: 'open sesame' }));
    await eventually(() => text().includes('its token is not the right one') && text().includes('no agent of that id'));
    expect((await shown()).state).toBe('away');
    stack.use(await waf(door, { token: 'open sesame', connections: 3 }));
    await eventually(() => text().includes('it has 2 connections already'));
    expect((await shown()).connection_count).toBe(2);
    expect(text()).not.toMatch(/open sesame|a wrong one/);
  });

  it('that break the protocol lose their connection, the log says how, and others judge on', async () => {
    await using stack = new AsyncDisposableStack();
    const folder = mkdtempSync(join(tmpdir(), 'berth-door-'));
    stack.defer(() => {
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, 'door.sock');
    const { relay, status, shown, text } = await lab({ path }, {});
    stack.use(relay);
    stack.use(await waf(`unix:${path}`));
    const broken = connect(path);
    stack.defer(() => {
      broken.destroy();
    });
    const registration = JSON.stringify({ protocol_version: 2, agent_id: 'waf', capabilities: {} });
    broken.write(Buffer.concat([Buffer.from([0, 0, 0, registration.length + 1, 1]), Buffer.from(registration)]));
    await eventually(async () => (await shown()).connection_count === 2);
    // A frame of 4 GiB.
    broken.write(Buffer.from('ffffffff20', 'hex'));
    await once(broken.resume(), 'close');
    await eventually(() => text().includes('a frame of 4294967295 bytes; at most 16777216 are taken'));
    expect(text()).toContain('policy agent has broken the protocol: its connection was ended');
    expect([await status('/'), await status('/admin')]).toEqual([200, 403]);
  });

  it('have no gateway that cannot listen for them', async () => {
    await using stack = new AsyncDisposableStack();
    const taken = createServer();
    stack.defer(() => {
      taken.close();
    });
    const { start: port } = await freePortRange(1);
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    await expect(testGateway({ policyListener: { port } })).rejects.toThrow(
      /^policyListener\.port: cannot listen on 127/,
    );
  });
});
