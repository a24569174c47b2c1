import { owning, eventually, RawClient, rawRecorder, type Recorded } from '@berth/testing';
import {
  codeIn,
  type LogLine,
  type LogLines,
  logLines,
  RawAgent,
  send,
  testAgent,
  type TestAgent,
  testGateway,
  type TestGateway,
  untilClosed,
  untilMatch,
} from '@berth/testing/system';

const GET = 'GET /path?secret=1 HTTP/1.1\r\nHost: a\r\n\r\n';
const UPGRADE = 'GET /path HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

/** The id in an error answer. */
function idIn(text: string): string {
  expect(codeIn(text)).toMatch(/^BERTH_/);
  return /"request_id":"([^"]+)"/.exec(text)?.[1] ?? 'none';
}

function linesOf(log: LogLines, id: string): LogLine[] {
  return log.lines.filter(({ requestId }) => requestId === id);
}

/** Lines at warn that are about a request. */
function failures(log: LogLines): LogLine[] {
  return log.at('warn').filter(({ requestId }) => requestId !== undefined);
}

/** Starts what stands behind the agent, such as a recorder, and tells its address. */
type Target = (recorder: (onData: (connection: Recorded) => void) => Promise<number>) => Promise<string | number>;

describe('a request id leads to the log of the end that made the answer', () => {
  let gatewayLog: LogLines;
  let agentLog: LogLines;

  async function setUp(
    target: Target,
    ingress: Parameters<typeof testGateway>[0] = {},
    local: { responseTimeoutMs?: number } = {},
  ): Promise<{ gateway: TestGateway; agent: TestAgent } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    gatewayLog = logLines();
    agentLog = logLines();
    const gateway = stack.use(await testGateway(ingress, 4, gatewayLog.log));
    const address = await target(async (onData) => stack.use(await rawRecorder(onData)).port);
    const agent = stack.use(await testAgent(gateway, address, { local, shutdown: { timeoutMs: 50 } }, agentLog.log));
    return owning({ gateway, agent }, stack);
  }

  /** A port where nobody listens. */
  async function nobody(): Promise<number> {
    const gone = await rawRecorder();
    await gone.close();
    return gone.port;
  }

  it.each<[string, Target, string, RegExp]>([
    ['refused', nobody, 'BERTH_LOCAL_SERVICE_UNREACHABLE', /refuses connections/],
    [
      'reset',
      (recorder) => recorder(({ socket }) => socket.resetAndDestroy()),
      'BERTH_LOCAL_SERVICE_FAILED',
      /ECONNRESET|closed/,
    ],
    [
      'no HTTP',
      (recorder) => recorder(({ socket }) => socket.write('what?\r\n\r\n')),
      'BERTH_LOCAL_SERVICE_FAILED',
      /HTTP/,
    ],
    [
      'no TLS',
      async (recorder) => `https://127.0.0.1:${await recorder(({ socket }) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'))}`,
      'BERTH_LOCAL_SERVICE_UNREACHABLE',
      /does not speak TLS/,
    ],
    ['late', (recorder) => recorder(() => undefined), 'BERTH_RESPONSE_TIMEOUT', /time/i],
  ])(
    'the local service is %s: both ends have a line, with the reason',
    async (_name, service, code, reason) => {
      await using setup = await setUp(service, {}, { responseTimeoutMs: 1000 });
      const { agent } = setup;
      for (const request of [GET, UPGRADE]) {
        const text =
          request === GET ? await untilMatch(agent.port, request, /\}\}$/) : await untilClosed(agent.port, request);
        const id = idIn(text);
        expect(linesOf(gatewayLog, id)).toEqual([
          expect.objectContaining({
            level: 'warn',
            msg: `answered with an error: ${code}`,
            agentId: 'agent-1',
            method: 'GET',
            path: '/path',
            client: '127.0.0.1',
            reason: expect.stringMatching(reason) as string,
          }),
        ]);
        expect(linesOf(agentLog, id)).toEqual([
          expect.objectContaining({ level: 'warn', reason: expect.stringMatching(reason) as string }),
        ]);
      }
      expect(gatewayLog.text()).not.toContain('secret');
      expect(agentLog.text()).not.toContain('secret');
    },
    15_000,
  );

  it('the gateway made it: its log has the line', async () => {
    await using setup = await setUp((recorder) => recorder(() => undefined), {
      ingress: { responseTimeoutMs: 300 },
      agentPorts: { holdMs: 5000 },
    });
    const { agent } = setup;
    for (const request of [GET, UPGRADE]) {
      const id = idIn(await untilMatch(agent.port, request, /\}\}$/));
      expect(linesOf(gatewayLog, id)).toEqual([
        expect.objectContaining({ level: 'warn', msg: 'answered with an error: BERTH_RESPONSE_TIMEOUT', status: 504 }),
      ]);
    }
    await agent.stop();
    for (const request of [GET, UPGRADE]) {
      const id = idIn(await untilMatch(agent.port, request, /\}\}$/));
      expect(linesOf(gatewayLog, id)).toEqual([
        expect.objectContaining({ level: 'warn', msg: 'answered with an error: BERTH_AGENT_UNAVAILABLE', status: 503 }),
      ]);
    }
  });

  it.each([
    ['no HTTP', 'nonsense\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a bad body', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
    ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['a body that is too large', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n', 413],
    ['an upgrade without Host', 'GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', 400],
  ])('what the client did wrong is told at debug: %s', async (_name, request, status) => {
    await using setup = await setUp((recorder) => recorder(() => undefined), { ingress: { maxBodyBytes: 10 } });
    const { agent } = setup;
    const id = idIn(await untilClosed(agent.port, request));
    expect(linesOf(gatewayLog, id)).toEqual([expect.objectContaining({ level: 'debug', status })]);
    expect(failures(gatewayLog)).toEqual([]);
  });

  it('an answer that breaks off has a line at both ends, under the same id', async () => {
    await using setup = await setUp((recorder) =>
      recorder(({ socket }) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
        setTimeout(() => socket.resetAndDestroy(), 50);
      }),
    );
    const { agent } = setup;
    expect(await untilClosed(agent.port, GET)).toMatch(/half$/);
    const line = await eventually(() => failures(gatewayLog)[0]);
    expect(line).toMatchObject({ msg: 'an answer was broken off: BERTH_LOCAL_SERVICE_FAILED', path: '/path' });
    expect(linesOf(agentLog, line['requestId'] as string)).toEqual([expect.objectContaining({ level: 'warn' })]);
  });

  it('a pipe that ends otherwise than in order is no news', async () => {
    await using setup = await setUp((recorder) =>
      recorder(({ socket }) => {
        socket.write('HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhi');
        setTimeout(() => socket.resetAndDestroy(), 50);
      }),
    );
    const { agent } = setup;
    await untilClosed(agent.port, UPGRADE);
    await eventually(() => gatewayLog.lines.some(({ msg }) => msg.startsWith('a pipe was broken off')));
    expect([failures(gatewayLog), failures(agentLog)]).toEqual([[], []]);
  });

  it('many lines of a kind are limited, and at debug all of them are there', async () => {
    await using setup = await setUp(nobody);
    const { agent } = setup;
    const ids: string[] = [];
    for (let i = 0; i < 20; i += 1) ids.push(idIn((await send(agent.port)).text));
    expect(new Set(ids).size).toBe(20);
    for (const log of [gatewayLog, agentLog]) {
      expect(ids.map((id) => linesOf(log, id).map(({ level }) => level))).toEqual(
        ids.map((_id, i) => [i < 5 ? 'warn' : 'debug']),
      );
    }
  });

  it('it is made once, and a second try changes nothing about that', async () => {
    gatewayLog = logLines();
    await using gateway = await testGateway({}, 4, gatewayLog.log);
    await using stack = new AsyncDisposableStack();
    const agents = await Promise.all(
      [1, 2].map(async () =>
        stack.use(await RawAgent.registered(gateway.grpcPort, 'raw', { connections: 2, instanceId: 'one' })),
      ),
    );
    const { port } = await (agents[0] as RawAgent).welcome;
    using client = await RawClient.connect(port);
    client.send(GET);
    const first = await eventually(() => agents.find((it) => it.opened.length > 0));
    const second = agents.find((it) => it !== first) as RawAgent;
    first.close();
    const exchange = await eventually(() => second.opened[0]);
    exchange.reset(4, 'says the test');
    await eventually(() => client.text().endsWith('}}'));
    const id = idIn(client.text());
    expect(id).toBe(`${(await second.welcome).connectionId}-${exchange.id}`);
    expect(linesOf(gatewayLog, id)).toEqual([expect.objectContaining({ level: 'warn', reason: 'says the test' })]);
  });
});
