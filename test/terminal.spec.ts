import { jest } from '@jest/globals';
import { freePortRange, localService, owning } from '@berth/testing';
import { gatewayProgram, type GatewayProgram, Program, type ProgramOptions, send, urlOf } from '@berth/testing/system';

jest.setTimeout(60_000);

/** Of services that nobody looks after, nothing is told. */
const UNCHECKED = ['--local-check-interval-ms', '0'];
const ESCAPE = '\u001b';
const COLOURS = { TERM: 'xterm-256color' };
/** `script` of util-linux makes the terminals. */
const describeOnLinux = process.platform === 'linux' ? describe : describe.skip;

interface Lines {
  event?: string;
  level: string;
  msg: string;
}

/** Every line of a program's stdout, which all have to be JSON. */
const linesOf = ({ stdout }: Program): Lines[] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Lines);

const count = (text: string, part: string | RegExp): number => text.split(part).length - 1;

interface Pair extends AsyncDisposable {
  gateway: GatewayProgram;
  agent: Program;
  port: number;
}

interface PairOptions extends ProgramOptions {
  args?: string[];
  env?: Record<string, string>;
}

/** Both programs, the agent as asked for; at a terminal once it has shown its address. */
async function start({ args = [], env = {}, ...options }: PairOptions): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const service = stack.use(
    await localService((request, response) => {
      response.statusCode = request.url?.startsWith('/404') === true ? 404 : 200;
      response.end('hello');
    }),
  );
  const gateway = stack.use(await gatewayProgram(await freePortRange(4)));
  const where = ['--id', 'kiosk-7', '--gateway', `127.0.0.1:${gateway.grpcPort}`];
  const agent = stack.use(new Program('agent', [String(service.port), ...where, ...args], env, options));
  // Coloured or not.
  const pretty = async (): Promise<number> => Number((await agent.printed(/127\.0\.0\.1:(\d+)\S* +-> /))[1]);
  const isJson = options.terminal !== true && !args.includes('pretty');
  return owning({ gateway, agent, port: isJson ? (await urlOf(agent)).port : await pretty() }, stack);
}

describeOnLinux('the agent at a terminal', () => {
  it('shows addresses, services, requests, losses and returns, each once and in colour', async () => {
    await using set = await start({ terminal: true, env: COLOURS, args: ['--expose', 'api=9'] });
    const { agent, gateway, port } = set;
    await agent.printed(/http:\/\/localhost:9 .*does not answer/);
    await send(port, { path: '/404?secret=1' });
    await agent.printed(/\/404/);
    gateway.program.kill();
    await agent.printed(/disconnected.*shutting down; next attempt in/);
    const text = agent.stdout;
    expect(text).toMatch(
      /\u001b\[36mhttp:\/\/127\.0\.0\.1:\d+\u001b\[39m -> http:\/\/localhost:\d+ +\(default\) +\S*answers/,
    );
    expect(text).toMatch(/GET.* \/404\?… .*404.* ms +5 B/);
    expect(text).not.toMatch(/secret|"level"/);
    expect([/\/404/, 'disconnected', 'is connected to'].map((part) => count(text, part))).toEqual([1, 1, 1]);
    for (const line of text.trimEnd().split('\r\n')) expect(line).toMatch(/^(\S*\d\d:\d\d:\d\d\S* .+| {2}.+ -> .+|)$/);
  });

  it('a request that fails has one line', async () => {
    await using gateway = await gatewayProgram(await freePortRange(2));
    const args = ['9', '--id', 'other', '--gateway', `127.0.0.1:${gateway.grpcPort}`, ...UNCHECKED];
    await using agent = new Program('agent', args, COLOURS, { terminal: true });
    const [, port] = await agent.printed(/127\.0\.0\.1:(\d+)\S* +-> /);
    await send(Number(port), { path: '/gone' });
    await agent.printed(/\/gone.*it refuses connections/);
    expect(count(agent.stdout, 'refuses connections')).toBe(1);
  });

  it('has no colour with NO_COLOR', async () => {
    await using set = await start({ terminal: true, env: { ...COLOURS, NO_COLOR: '1' } });
    await send(set.port, { path: '/x' });
    await set.agent.printed(/GET +\/x +200/);
    expect(set.agent.stdout).not.toContain(ESCAPE);
  });

  it('counts requests that come faster than anybody reads', async () => {
    await using set = await start({ terminal: true, env: { ...COLOURS, NO_COLOR: '1' } });
    for (let i = 0; i < 15; i += 1)
      await Promise.all(Array.from({ length: 20 }, () => send(set.port, { path: '/many' })));
    const [, more] = await set.agent.printed(/… and (\d+) more requests/);
    expect(Number(more)).toBeGreaterThan(0);
    expect(count(set.agent.stdout, '/many')).toBeLessThan(300);
  });

  it('--quiet: nothing but warnings and errors; --no-log-requests: no requests', async () => {
    await using set = await start({ terminal: true, args: ['--no-log-requests'], env: COLOURS });
    const { gateway, port } = set;
    const where = ['--id', 'silent', '--gateway', `127.0.0.1:${gateway.grpcPort}`];
    await using quiet = new Program('agent', [`127.0.0.1:${port}`, ...where, '--quiet'], COLOURS, { terminal: true });
    await gateway.program.printed(/"agent_connected","agentId":"silent"/);
    await send(port, { path: '/unseen' });
    gateway.program.kill();
    await quiet.printed(/disconnected/);
    await set.agent.printed(/disconnected/);
    expect(quiet.stdout.trimEnd().split('\r\n')[0]).toMatch(/disconnected/);
    expect(set.agent.stdout).not.toContain('/unseen');
  });
});

describe('the agent where there is no terminal', () => {
  it('writes JSON on stdout, each event once, and nothing on stderr', async () => {
    await using set = await start({ args: ['--expose', 'api=9'], env: COLOURS });
    const { agent, gateway, port } = set;
    await send(port, { path: '/404' });
    await agent.printed(/local_service_down/);
    gateway.program.kill();
    await agent.printed(/no_connection/);
    agent.kill();
    expect(await agent.exit).toBe(0);
    const events = linesOf(agent).map(({ event, msg }) => event ?? msg);
    for (const event of ['registered', 'local_service_up', 'local_service_down', 'goaway'])
      expect(events.filter((one) => one === event)).toHaveLength(1);
    expect(events).not.toContain('request');
    expect(agent.stdout).toMatch(/"event":"goaway","reason":"shutdown"/);
    expect(agent.stderr).toBe('');
    expect(agent.stdout).not.toContain(ESCAPE);
  });

  it('--log-requests: a line for each, without its query', async () => {
    await using set = await start({ args: ['--log-requests'] });
    await send(set.port, { path: '/404?secret=1' });
    await set.agent.printed(/"event":"request"/);
    expect(linesOf(set.agent).filter(({ event }) => event === 'request')).toEqual([
      expect.objectContaining({
        level: 'info',
        method: 'GET',
        path: '/404?…',
        status: 404,
        bytesOut: 5,
        service: 'default',
      }),
    ]);
    expect(set.agent.stdout).not.toContain('secret');
  });

  it('--log-format pretty has no colour in a pipe, unless FORCE_COLOR asks for it', async () => {
    await using plain = await start({ args: ['--log-format', 'pretty'], env: COLOURS });
    expect(plain.agent.stdout).not.toContain(ESCAPE);
    await using forced = await start({ args: ['--log-format', 'pretty'], env: { ...COLOURS, FORCE_COLOR: '1' } });
    expect(forced.agent.stdout).toContain(`${ESCAPE}[36mhttp://`);
  });

  it('--quiet and --log-level leave out what is less', async () => {
    await using gateway = await gatewayProgram(await freePortRange(2), ['--log-level', 'info']);
    const where = ['--id', 'a', '--gateway', `127.0.0.1:${gateway.grpcPort}`];
    await using quiet = new Program('agent', ['9', ...where, '--quiet', '--log-format', 'json']);
    await quiet.printed(/local_service_down/);
    await gateway.program.printed(/agent_connected/);
    expect(linesOf(quiet).map(({ level }) => level)).toEqual(['warn']);
  });
});

describeOnLinux('the gateway at a terminal', () => {
  it('says on four lines where it is and who may come, and a line for each agent that comes and goes', async () => {
    const { start: first, end: last } = await freePortRange(3);
    const ports = ['--http-agent-port-range-start', String(first), '--http-agent-port-range-end', String(last)];
    const args = ['--http-port', '0', '--grpc-port', '0', '--grpc-host', '127.0.0.1', ...ports];
    const env = { ...COLOURS, NO_COLOR: '1', AUTH_TOKEN: 'a-secret-of-some-length' };
    await using gateway = new Program('gateway', args, env, { terminal: true });
    const ready = await gateway.printed(
      /berth-gateway \S+ is ready\r\n {2}admin {3}http:\/\/127\.0\.0\.1:\d+\/, docs http:\/\/127\.0\.0\.1:\d+\/docs: from this machine alone\r\n {2}agents {2}127\.0\.0\.1:(\d+) \(gRPC\): need the token\r\n {2}ports {3}(\d+)-(\d+) for clients of agents\r\n/,
    );
    expect(ready.slice(2).map(Number)).toEqual([first, last]);
    const agentArgs = [
      '9',
      '--id',
      'kiosk-7',
      '--gateway',
      `127.0.0.1:${ready[1] ?? ''}`,
      '--expose',
      'api=10',
      ...UNCHECKED,
    ];
    await using agent = new Program('agent', agentArgs, { AGENT_TOKEN: 'a-secret-of-some-length' });
    await gateway.printed(/\+ kiosk-7 is connected: ports default \d+, api \d+, from 127\.0\.0\.1/);
    agent.kill();
    // Another one for the same ports says what is in the way, and nothing of a shutdown.
    const taken = ['--grpc-host', '127.0.0.1', '--grpc-port', ready[1] ?? '', '--http-port', '0', ...ports];
    await using second = new Program('gateway', taken, env, { terminal: true });
    expect(await second.exit).toBe(1);
    expect(second.stdout).toMatch(/^cannot listen on 127\.0\.0\.1:\d+: [^\r]* \(grpc\.host, grpc\.port\)\r\n$/);
    await gateway.printed(/- kiosk-7 has left: it ended its connection\r\n/);
    expect(gateway.stdout.trimEnd().split('\r\n')).toHaveLength(6);
    expect(gateway.stdout).not.toMatch(/a-secret|\u001b/);
  });
});

describe('the gateway where there is no terminal', () => {
  it('writes JSON, and what the block says is in its line', async () => {
    await using gateway = await gatewayProgram(await freePortRange(3));
    expect(linesOf(gateway.program)).toContainEqual(
      expect.objectContaining({
        event: 'ready',
        adminAccess: 'loopback',
        agentAccess: 'anybody',
        ports: expect.stringMatching(/^\d+-\d+$/),
      }),
    );
    expect(gateway.program.stderr).toBe('');
  });
});
