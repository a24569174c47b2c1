import { once } from 'node:events';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { disposable, eventually, listening, localService, type LocalService, owning, tcpRelay } from '@berth/testing';
import { testGateway, type TestGateway } from '@berth/testing/system';
import { type Agent, type AgentOptions, type AgentPort, type AgentRequest, BerthError, startAgent } from 'berth-agent';

const run = promisify(execFile);

type Setup = { gateway: TestGateway; service: LocalService; options: AgentOptions } & AsyncDisposable;

const FAST = { reconnect: { minMs: 20, maxMs: 100 }, shutdown: { timeoutMs: 1000 } };

describe('an agent as a library', () => {
  async function setUp(settings: Parameters<typeof testGateway>[0] = {}): Promise<Setup> {
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway(settings));
    const service = stack.use(await localService((request, response) => response.end(`target ${request.url}`)));
    const options = { ...FAST, target: service.port, gateway: dialOf(gateway), id: 'me' };
    return owning({ gateway, service, options }, stack);
  }

  const dialOf = ({ grpcPort }: { grpcPort: number }): string => `127.0.0.1:${grpcPort}`;

  async function textAt(url: string): Promise<string> {
    return (await fetch(url)).text();
  }

  async function fault(options: unknown): Promise<BerthError> {
    const started = startAgent(options as AgentOptions);
    const [outcome] = await Promise.allSettled([started]);
    if (outcome.status === 'fulfilled') {
      await outcome.value.close();
      throw new Error('it has started');
    }
    return outcome.reason as BerthError;
  }

  it('resolves when clients reach the service, and says where', async () => {
    await using setup = await setUp();
    const { gateway, options } = setup;
    await using agent = await startAgent(options);
    expect(agent.url).toBe(`http://127.0.0.1:${gateway.range.start}`);
    expect(agent.ports).toEqual([{ name: 'default', url: agent.url, port: gateway.range.start, state: 'open' }]);
    expect(agent.id).toBe('me');
    expect(await textAt(`${agent.url}/a?b`)).toBe('target /a?b');
  });

  it('has several services, and several agents in one process', async () => {
    await using setup = await setUp();
    const { options, service } = setup;
    await using other = await localService((_, response) => response.end('api'));
    await using first = await startAgent({ ...options, expose: { api: other.port } });
    await using second = await startAgent({ ...options, target: undefined, expose: { web: service.port }, id: 'you' });
    const texts = [...first.ports, ...second.ports].map(async ({ name, url }) => [name, await textAt(`${url}/`)]);
    expect(await Promise.all(texts)).toEqual([
      ['default', 'target /'],
      ['api', 'api'],
      ['web', 'target /'],
    ]);
    expect(second.url).toBe(second.ports[0]?.url);
  });

  it('names everything that is wrong with its options', async () => {
    const wrong = await fault({
      target: 'ftp://x',
      expose: { API: 3000, both: {} },
      handler: 5,
      gateway: 'nowhere',
      id: 'no spaces',
      timeoutMs: -1,
      signal: 'soon',
      log: { info: () => undefined },
      local: { maxConnections: 'many' },
      colour: 'red',
      gatway: 'nowhere',
    });
    expect(wrong).toBeInstanceOf(BerthError);
    expect(wrong.code).toBe('BERTH_CONFIG_INVALID');
    expect(wrong.message.split('\n').map((line) => line.split(':')[0])).toEqual(
      expect.arrayContaining(
        'handler expose.both timeoutMs signal log expose gateway id local.maxConnections colour gatway'.split(' '),
      ),
    );
    expect(wrong.message).toMatch(/^colour: is no option; there are handler, .*target, expose/m);
    expect(wrong.message).toMatch(/^gatway: is no option; did you mean gateway\?/m);
    expect((await fault(undefined)).message).toMatch(/^options: must be an object/);
    expect((await fault({ id: 'me' })).message).toBe('target: is missing: give target, handler or expose');
    expect((await fault({ id: 'me', target: 0 })).message).toMatch(/^target: is no usable target: give 3000/);
    expect((await fault({ id: 'me', target: () => 1 })).message).toMatch(/a handler is given as handler$/);
    const secret = await fault({ id: 'me', target: 1, token: 's3cret', tokenFile: '/nowhere' });
    expect(secret.message).not.toContain('s3cret');
  });

  it('rejects with the code of the gateway that refuses it for good', async () => {
    await using gateway = await testGateway({ auth: { token: 'the-token' } });
    const refused = await fault({ target: 1, id: 'me', gateway: dialOf(gateway), token: 'another' });
    expect(refused).toBeInstanceOf(BerthError);
    expect(refused).toMatchObject({
      code: 'BERTH_UNAUTHENTICATED',
      message: "the token is not the gateway's (token)",
    });
    await using agent = await startAgent({ target: 1, id: 'me', gateway: dialOf(gateway), token: 'the-token' });
    expect(agent.ports).toHaveLength(1);
  });

  it('rejects after timeoutMs with what was in the way', async () => {
    await using silent = await listening(createServer());
    const { port } = silent;
    await silent.close();
    const nobody = await fault({ ...FAST, target: 1, id: 'me', gateway: `127.0.0.1:${port}`, timeoutMs: 100 });
    expect(nobody.code).toBe('BERTH_START_TIMEOUT');
    expect(nobody.message).toMatch(
      /^not registered within 100 ms \(timeoutMs\): nothing listens at 127\.0\.0\.1:.* is gateway its/,
    );
    await using mute = await listening(createServer());
    const quiet = await fault({ target: 1, id: 'me', gateway: `127.0.0.1:${mute.port}`, timeoutMs: 100 });
    expect(quiet.message).toContain('has not answered');
  });

  it('a signal ends the start with its reason, and an agent that has started', async () => {
    await using setup = await setUp();
    const { options } = setup;
    await using mute = await listening(createServer());
    const reason = new Error('no longer wanted');
    expect(await fault({ ...options, signal: AbortSignal.abort(reason) })).toBe(reason);
    const early = new AbortController();
    const started = fault({ ...options, gateway: `127.0.0.1:${mute.port}`, signal: early.signal });
    await once(mute.server, 'connection');
    early.abort(reason);
    expect(await started).toBe(reason);

    const later = new AbortController();
    await using agent = await startAgent({ ...options, signal: later.signal });
    later.abort();
    await once(agent, 'closed');
    await expect(fetch(agent.url)).rejects.toThrow();
    expect(agent.ports).toMatchObject([{ state: 'offline' }]);
  });

  it('tells of a loss and of the return, with the same port', async () => {
    await using setup = await setUp();
    const { gateway, options } = setup;
    await using link = await tcpRelay(gateway.grpcPort);
    await using agent = await startAgent({ ...options, gateway: `127.0.0.1:${link.port}` });
    const { url } = agent;
    const lost = once(agent, 'reconnecting') as Promise<[{ reason: BerthError; retryInMs: number }]>;
    const ready = once(agent, 'ready') as Promise<[readonly AgentPort[]]>;
    link.cut();
    const [{ reason, retryInMs }] = await lost;
    expect(reason).toBeInstanceOf(BerthError);
    // Of a wait with full jitter, 0 is the least.
    expect(retryInMs).toBeGreaterThanOrEqual(0);
    expect(await ready).toEqual([[{ name: 'default', url, port: gateway.range.start, state: 'open' }]]);
    expect(await textAt(url)).toBe('target /');
  });

  it('tells of a service that the gateway has no port for', async () => {
    await using setup = await setUp();
    const { options, gateway } = setup;
    const elsewhere = gateway.range.end + 1;
    await using agent = await startAgent({ ...options, expose: { api: 1 }, ports: { api: elsewhere } });
    const [{ error, service }] = (await once(agent, 'refused')) as [{ error: BerthError; service: string }];
    expect([service, error.code]).toEqual(['api', 'BERTH_PORT_NOT_REQUESTABLE']);
    expect(agent.ports).toMatchObject([{ state: 'open' }, { name: 'api', port: 0, url: '', state: 'refused', error }]);
  });

  it('knows a service that is not there', async () => {
    await using setup = await setUp();
    const { options, service } = setup;
    await service.close();
    await using agent = await startAgent({ ...options, target: `127.0.0.1:${service.port}` });
    await eventually(() => agent.ports[0]?.state === 'unreachable' || undefined);
  });

  it('tells what became of requests, while somebody listens', async () => {
    await using setup = await setUp();
    await using agent = await startAgent(setup.options);
    await textAt(`${agent.url}/before`);
    const told = once(agent, 'request') as Promise<[AgentRequest]>;
    await textAt(`${agent.url}/a?b=c`);
    expect(await told).toMatchObject([
      { service: 'default', method: 'GET', path: '/a?b=c', status: 200, bytesOut: 13 },
    ]);
    expect(agent.listenerCount('request')).toBe(0);
  });

  it('a listener that throws is an uncaught exception of its owner, and spoils no request', async () => {
    await using setup = await setUp();
    const program = `
      import { startAgent } from 'berth-agent';
      process.on('uncaughtException', ({ message }) => console.log(message));
      await using agent = await startAgent(${JSON.stringify(setup.options)});
      agent.on('request', () => { throw new Error('mine'); });
      for (const path of ['/1', '/2']) console.log(await (await fetch(agent.url + path)).text());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
    expect(stdout.split('\n').sort()).toEqual(['', 'mine', 'mine', 'target /1', 'target /2']);
  });

  it('close lets requests under way end, may be called again, and leaves nothing open', async () => {
    await using setup = await setUp();
    const { options } = setup;
    const { promise: asked, resolve } = Promise.withResolvers<() => void>();
    await using slow = await localService((_, response) => {
      resolve(() => response.end('late'));
      response.write('early ');
    });
    await using agent = await startAgent({ ...options, target: slow.port });
    const answer = textAt(agent.url);
    const finish = await asked;
    const closing = agent.close();
    expect(agent.close()).toBe(closing);
    finish();
    expect(await answer).toBe('early late');
    await closing;
    await agent.close();
  });

  it('leaves the process as it is: no listener, no output, and no end', async () => {
    await using setup = await setUp();
    const { options } = setup;
    const events = ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit', 'uncaughtException', 'unhandledRejection', 'warning'];
    const counts = (): number[] => events.map((event) => process.listenerCount(event));
    const before = counts();
    const agents: Agent[] = [];
    await using all = disposable(agents, (them) => Promise.all(them.map((each) => each.close())));
    for (let i = 0; i < 3; i += 1) all.push(await startAgent({ ...options, id: `me-${i}` }));
    expect(counts()).toEqual(before);
    const program = `
      import { startAgent } from 'berth-agent';
      const agent = await startAgent({ target: 1, id: 'printer', gateway: '${String(options.gateway)}' });
      await agent.close();
      await startAgent({ target: 1, id: 'printer', gateway: '127.0.0.1:1', timeoutMs: 200 }).catch(() => undefined);`;
    expect(await run(process.execPath, ['--input-type=module', '--eval', program])).toEqual({ stdout: '', stderr: '' });
  });
});
