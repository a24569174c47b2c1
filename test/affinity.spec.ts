import { jest } from '@jest/globals';
import type { DeepPartial } from '@berth/config';
import type { GatewaySettings } from 'berth-gateway';
import { eventually, localService, type LocalService, owning, RawClient } from '@berth/testing';
import {
  type Answer,
  headLines,
  Program,
  replicasOf,
  send,
  testAgent,
  testGateway,
  urlOf,
} from '@berth/testing/system';

jest.setTimeout(60_000);

type Affinity = DeepPartial<GatewaySettings['ingress']['affinity']>;

/** Answers its name and the cookies that it sees, and switches to bytes that it names itself with. */
async function named(name: string): Promise<LocalService> {
  const service = await localService((request, response) => {
    const { rawHeaders } = request;
    const cookies = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === 'cookie');
    response.end([name, ...cookies].join('|'), 'latin1');
  });
  service.server.on('upgrade', (request, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.end([name, request.headers.cookie ?? ''].join('|'));
  });
  return service;
}

const settings = (affinity: Affinity): DeepPartial<GatewaySettings> => ({
  tunnel: { duplicateAgent: 'share', slowStartMs: 0, poolStrategy: 'roundRobin' },
  ingress: { affinity: { reportHeader: true, ...affinity } },
});

/** A gateway and three agents, processes of their own, that share an id. */
async function setUp(affinity: Affinity) {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await testGateway(settings(affinity)));
  const agents = new Map<string, Program>();
  for (const name of ['a', 'b', 'c']) {
    const { port } = stack.use(await named(name));
    const agent = new Program('agent', [`${port}`, '--id', 'web-1', '--gateway', `127.0.0.1:${gateway.grpcPort}`]);
    agents.set(name, stack.use(agent));
    await urlOf(agent);
  }
  const kill = async (name: string): Promise<void> => {
    agents.get(name)?.kill('SIGKILL');
    await agents.get(name)?.exit;
    agents.delete(name);
    await eventually(async () => (await replicasOf(gateway, 'web-1')).length === agents.size);
  };
  return owning({ gateway, port: gateway.range.start, kill }, stack);
}

const ask = (port: number, headers: Record<string, string> = {}): Promise<Answer> => send(port, { headers });

/** What a browser would send back; empty when no cookie came. */
function cookieOf({ headers }: Answer): string {
  expect(headers['set-cookie']?.length ?? 1).toBe(1);
  return headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '';
}

const where = ({ text, headers }: Answer): unknown[] => [text, headers['berth-affinity']];

describe('affinity', () => {
  it('C9: a cookie keeps its client at one of three agents; when that is killed, it moves and stays there', async () => {
    await using setup = await setUp({ by: 'cookie' });
    const { port, kill } = setup;
    const first = await ask(port);
    const cookie = cookieOf(first);
    expect(first.headers['berth-affinity']).toBe('new');
    expect(first.headers['set-cookie']?.[0]).toMatch(
      new RegExp(`^berth-${port}=[\\w.-]+; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax$`),
    );
    for (let i = 0; i < 7; i += 1) {
      const later = await ask(port, { cookie: `a="1 2";${cookie}; b=\xe4` });
      expect([where(later), cookieOf(later)]).toEqual([[`${first.text}|a="1 2"; b=\xe4`, 'kept'], '']);
    }
    // Without it, the pool goes on taking turns.
    const strangers = [await ask(port), await ask(port), await ask(port)];
    expect(strangers.map(({ text }) => text).sort()).toEqual(['a', 'b', 'c']);

    await kill(first.text);
    const moved = await ask(port, { cookie });
    expect([moved.headers['berth-affinity'], moved.text === first.text]).toEqual(['moved', false]);
    const fresh = cookieOf(moved);
    for (let i = 0; i < 3; i += 1) expect(where(await ask(port, { cookie: fresh }))).toEqual([moved.text, 'kept']);
  });

  it('C9: a cookie that is forged counts for none, and does not get to the service', async () => {
    await using setup = await setUp({ by: 'cookie' });
    const { port } = setup;
    const cookie = cookieOf(await ask(port));
    const seen: string[] = [];
    for (let i = 0; i < 3; i += 1) {
      const answer = await ask(port, { cookie: cookie.replace(/=.{16}/, `=${'A'.repeat(16)}`) });
      expect([answer.headers['berth-affinity'], cookieOf(answer).startsWith(`berth-${port}=`)]).toEqual(['new', true]);
      seen.push(answer.text);
    }
    expect(seen.sort()).toEqual(['a', 'b', 'c']);
  });

  it('a WebSocket gets the cookie with its 101, and comes back to the same agent', async () => {
    await using setup = await setUp({ by: 'cookie' });
    const { port } = setup;
    const upgrade = async (cookie: string): Promise<{ head: string[]; text: string }> => {
      using client = await RawClient.connect(port);
      const lines = [
        'GET / HTTP/1.1',
        'Host: a',
        'Connection: Upgrade',
        'Upgrade: websocket',
        ...(cookie === '' ? [] : [`Cookie: ${cookie}`]),
      ];
      client.send(`${lines.join('\r\n')}\r\n\r\n`);
      await eventually(() => client.ended);
      const text = client.text();
      return { head: headLines(text), text: text.slice(text.indexOf('\r\n\r\n') + 4) };
    };
    const first = await upgrade('');
    expect(first.head[0]).toBe('HTTP/1.1 101 Switching Protocols');
    const cookie =
      first.head
        .find((line) => line.startsWith('Set-Cookie: '))
        ?.slice(12)
        .split(';', 1)[0] ?? '';
    expect(cookie).toMatch(new RegExp(`^berth-${port}=`));
    for (let i = 0; i < 4; i += 1) {
      const again = await upgrade(`${cookie}; a=1`);
      expect(again.text).toBe(`${first.text}a=1`);
      expect(again.head).toContain('Berth-Affinity: kept');
    }
    // Requests with it go there as well.
    expect(where(await ask(port, { cookie }))).toEqual([first.text.slice(0, 1), 'kept']);
  });

  it('C9: the value of a header has its agent; when one is killed, only its own part moves', async () => {
    await using setup = await setUp({ by: 'header', header: 'X-Tenant' });
    const { port, kill } = setup;
    const homes = async (): Promise<Map<number, string>> => {
      const found = new Map<number, string>();
      for (let key = 0; key < 60; key += 1) {
        const answer = await ask(port, { 'x-tenant': `tenant ${key}` });
        expect([answer.headers['berth-affinity'], cookieOf(answer)]).toEqual(['kept', '']);
        found.set(key, answer.text);
      }
      return found;
    };
    const before = await homes();
    expect(await homes()).toEqual(before);
    expect(new Set(before.values()).size).toBe(3);
    await kill('b');
    for (const [key, home] of await homes()) {
      if (before.get(key) === 'b') expect(['a', 'c']).toContain(home);
      else expect(home).toBe(before.get(key));
    }
  });

  it('C9: the address of a client has its agent', async () => {
    await using setup = await setUp({ agents: { 'web-*': 'client' } });
    const { port } = setup;
    const homes = new Set<string>();
    for (let i = 0; i < 6; i += 1) homes.add((await ask(port)).text);
    expect(homes.size).toBe(1);
  });

  it('a cookie holds over a restart of the gateway, where its secret is set', async () => {
    await using stack = new AsyncDisposableStack();
    const affinity = { by: 'cookie', secret: 'the same before and after' } as const;
    const before = await testGateway(settings(affinity));
    for (const name of ['a', 'b']) {
      const { port } = stack.use(await named(name));
      stack.use(await testAgent(before, port, { id: 'web-1' }));
    }
    const { range, grpcPort } = before;
    const first = await ask(range.start);
    await before.close();
    await using gateway = await testGateway({
      ...settings(affinity),
      grpc: { port: grpcPort },
      http: { agentPortRange: range },
    });
    await eventually(async () => (await replicasOf(gateway, 'web-1').catch(() => [])).length === 2, 20_000);
    for (let i = 0; i < 4; i += 1) {
      expect(where(await ask(range.start, { cookie: cookieOf(first) }))).toEqual([first.text, 'kept']);
    }
  });
});
