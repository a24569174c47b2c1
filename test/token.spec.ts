import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { defaultAgentSettings } from 'berth-agent';
import { launchAgent } from 'berth-agent';
import {
  agentIds,
  type LogLines,
  logLines,
  portsOf,
  RawAgent,
  testAgent,
  type TestGateway,
  testGateway,
} from '@berth/testing/system';

const TOKEN = 'berth-secret-4711';
const WRONG = 'berth-guess-0815';

describe('the shared token', () => {
  const start = async (auth: { token?: string; tokenFile?: string }, lines = logLines()): Promise<TestGateway> =>
    await testGateway({ auth }, 1, lines.log);
  const rawAgent = (gateway: TestGateway): RawAgent => new RawAgent(gateway.grpcPort);
  const openLines = (lines: LogLines): unknown[] => lines.at('warn').filter(({ msg }) => msg.startsWith('anybody'));

  it('lets in who has it', async () => {
    await using gateway = await start({ token: TOKEN });
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway)).hello('agent-1', { token: TOKEN }).welcome;
    expect(await agentIds(gateway)).toEqual(['agent-1']);
  });

  it.each(['', WRONG, TOKEN.slice(0, -1), `${TOKEN}x`, 'x'.repeat(5000)])(
    'refuses %j for good, before a port is leased',
    async (token) => {
      const lines = logLines();
      await using gateway = await start({ token: TOKEN }, lines);
      using agent = rawAgent(gateway).hello('agent-1', { token });
      expect((await agent.status).code).toBe(status.UNAUTHENTICATED);
      expect(agent.refused).toMatchObject({ code: 'BERTH_UNAUTHENTICATED', retryable: false });
      expect((await portsOf(gateway)).used).toBe(0);
      expect(lines.at('info').some(({ msg }) => msg === 'agent server listens')).toBe(false);
    },
  );

  it('is checked before the port range: who lacks it learns nothing of it', async () => {
    await using gateway = await start({ token: TOKEN });
    await using stack = new AsyncDisposableStack();
    await stack.use(rawAgent(gateway)).hello('only', { token: TOKEN }).welcome;
    using agent = rawAgent(gateway).hello('agent-2', { token: WRONG });
    expect((await agent.status).code).toBe(status.UNAUTHENTICATED);
  });

  it('comes from files at both ends', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-token-'));
    const tokenFile = join(folder.path, 'token');
    await writeFile(tokenFile, `${TOKEN}\n`);
    await using gateway = await start({ tokenFile });
    await using stack = new AsyncDisposableStack();
    stack.use(await testAgent(gateway, 1, { tokenFile }));
    expect((await stack.use(rawAgent(gateway)).hello('without').status).code).toBe(status.UNAUTHENTICATED);
  });

  it('is in no log line and in no error, right or wrong', async () => {
    const lines = logLines('trace');
    await using gateway = await start({ token: TOKEN }, lines);
    const good = await testAgent(gateway, 1, { token: TOKEN });
    const agentLines = logLines('trace');
    const bad = launchAgent(
      defaultAgentSettings({
        id: 'bad',
        target: 'http://127.0.0.1:1',
        gateway: `127.0.0.1:${gateway.grpcPort}`,
        token: WRONG,
      }),
      { log: agentLines.log },
    );
    const reason = await bad.gaveUp;
    expect(reason.code).toBe('BERTH_UNAUTHENTICATED');
    await expect(bad.ready).rejects.toThrow();
    await good.stop();
    const agents = await (await fetch(`${gateway.admin}/agents`)).text();
    const all = [lines.text(), agentLines.text(), reason.stack, String(reason.cause), agents].join('\n');
    expect(lines.lines.length).toBeGreaterThan(3);
    expect(all).not.toContain(TOKEN);
    expect(all).not.toContain(WRONG);
  });

  it('an open gateway says so in exactly one WARN line', async () => {
    const lines = logLines();
    await using stack = new AsyncDisposableStack();
    stack.use(await start({}, lines));
    expect(openLines(lines)).toHaveLength(1);
    expect(lines.at('warn')).toHaveLength(1);
  });

  it('a gateway with a token does not', async () => {
    const lines = logLines();
    await using stack = new AsyncDisposableStack();
    stack.use(await start({ token: TOKEN }, lines));
    expect(lines.at('warn')).toEqual([]);
  });
});
