import { jest } from '@jest/globals';
import type { StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Child, owning, disposable, eventually, freePortRange, localService } from '@berth/testing';
import { Fifo, listAgents, type ListedAgent, Program } from '@berth/testing/system';

jest.setTimeout(120_000);

/** A standard stream, and what comes after the program has it. */
interface Stream extends AsyncDisposable {
  descriptor: number;
  /** what the reader gets when it comes back; undefined: it does not */
  read?: () => string;
}

type Kind = 'a full disk' | 'a pipe that nobody reads' | 'a pipe whose reader has left';

describe('output does not decide over life', () => {
  function stream(kind: Kind): Stream {
    if (kind === 'a full disk') {
      const descriptor = openSync('/dev/full', 'w');
      return disposable({ descriptor }, () => closeSync(descriptor));
    }
    const fifo = new Fifo();
    const close = (): void => fifo.close();
    if (kind === 'a pipe whose reader has left') {
      fifo.leave();
      return disposable({ descriptor: fifo.writer }, close);
    }
    const filled = fifo.fill();
    let all = '';
    const read = (): string => {
      all += fifo.read();
      return all.slice(filled);
    };
    return disposable({ descriptor: fifo.writer, read }, close);
  }

  /** Both programs with their streams, until a request has come through. */
  async function pair(stdio: StdioOptions, env: Record<string, string> = {}) {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService((_, response) => response.end('hello')));
    const { start } = await freePortRange(4);
    const [httpPort, grpcPort, first] = [start, start + 1, start + 2];
    const admin = `http://127.0.0.1:${httpPort}`;
    const gateway = stack.use(
      new Program(
        'gateway',
        [],
        {
          HTTP_PORT: String(httpPort),
          HTTP_AGENT_PORT_RANGE_START: String(first),
          HTTP_AGENT_PORT_RANGE_END: String(first + 1),
          GRPC_HOST: '127.0.0.1',
          GRPC_PORT: String(grpcPort),
          AGENT_PORTS_HOST: '127.0.0.1',
          LOG_LEVEL: 'debug',
          ...env,
        },
        { stdio },
      ),
    );
    const agentEnv = Object.fromEntries(Object.entries(env).map(([name, value]) => [`AGENT_${name}`, value]));
    const args = [String(service.port), '--id', 'laptop', '--gateway', `127.0.0.1:${grpcPort}`];
    const agent = stack.use(new Program('agent', args, { AGENT_LOG_LEVEL: 'debug', ...agentEnv }, { stdio }));
    const { port } = await eventually<ListedAgent | undefined>(async () => (await listAgents({ admin }))[0], 60_000);
    const url = `http://127.0.0.1:${port}`;
    expect(await (await fetch(url)).text()).toBe('hello');
    return owning({ gateway, agent, admin, url }, stack);
  }

  const KINDS: Kind[] = ['a full disk', 'a pipe that nobody reads', 'a pipe whose reader has left'];

  describe.each(KINDS)('%s on stdout and stderr', (kind) => {
    it.each(['JSON', 'pretty'])('both programs serve, and end in order in time: %s', async (form) => {
      await using setup = stream(kind);
      const { descriptor } = setup;
      const env = { LOG_PRETTY: String(form === 'pretty') };
      await using set = await pair(['ignore', descriptor, descriptor], env);
      const { gateway, agent, url } = set;
      for (let i = 0; i < 20; i += 1) expect(await (await fetch(url)).text()).toBe('hello');
      const since = performance.now();
      agent.kill();
      expect(await agent.exit).toBe(0);
      gateway.kill();
      expect(await gateway.exit).toBe(0);
      expect(performance.now() - since).toBeLessThan(5000);
    });
  });

  it('what waited for a pipe comes when it is read, whole and in order', async () => {
    await using setup = stream('a pipe that nobody reads');
    const { descriptor, read } = setup;
    await using set = await pair(['ignore', descriptor, 'ignore']);
    const { agent, gateway } = set;
    await eventually(() => {
      const text = read?.() ?? '';
      return text.includes('"event":"registered"') && text.includes('gateway ready');
    });
    gateway.kill();
    expect(await gateway.exit).toBe(0);
    await eventually(() => (read?.() ?? '').includes('no_connection'));
    agent.kill();
    expect(await agent.exit).toBe(0);
    const lines = (read?.() ?? '').trimEnd().split('\n');
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
    expect(lines.some((line) => line.includes('shutting down'))).toBe(true);
  });

  it('what waits is written at the end, when a reader comes in time', async () => {
    using fifo = new Fifo();
    const filled = fifo.fill();
    await using agent = new Program('agent', ['--help'], {}, { stdio: ['ignore', fifo.writer, 'ignore'] });
    const since = performance.now();
    expect(await agent.exit).toBe(0);
    expect(performance.now() - since).toBeLessThan(5000);
    let text = fifo.read();
    expect(text).toHaveLength(filled);
    fifo.fill();
    await using again = new Program('agent', ['--help'], {}, { stdio: ['ignore', fifo.writer, 'ignore'] });
    text = '';
    await eventually(() => {
      text += fifo.read();
      return text.includes('--gateway');
    });
    expect(await again.exit).toBe(0);
  });

  it('a socket, as journald and Node give, that nobody reads', async () => {
    // The test does not listen to its end, so what the kernel and one read hold is all there is.
    await using setup = await pair(['ignore', 'pipe', 'pipe'], { LOG_LEVEL: 'trace' });
    const { gateway, agent } = setup;
    agent.kill();
    gateway.kill();
    expect(await agent.exit).toBe(0);
    expect(await gateway.exit).toBe(0);
  });

  it('a crash ends with 1, and a warning with nothing, although nobody takes its words', async () => {
    await using setup = stream('a pipe that nobody reads');
    const { descriptor } = setup;
    const runtime = new URL('../libs/node-runtime/dist/index.js', import.meta.url).href;
    const start = `import { prepareProcess } from '${runtime}'; prepareProcess(); process.emitWarning('careful');`;
    const end = async (script: string): Promise<number | string> => {
      await using child = new Child(process.execPath, ['--input-type=module', '-e', `${start} ${script}`], {
        stdio: ['ignore', descriptor, descriptor],
      });
      return await child.exit;
    };
    expect(await end("setTimeout(() => { throw new Error('broken') }, 50)")).toBe(1);
    expect(await end("setTimeout(() => void Promise.reject(new Error('broken')), 50)")).toBe(1);
    expect(await end('setTimeout(() => undefined, 50)')).toBe(0);
  });

  it('wrong settings end with 2 although nobody can be told', async () => {
    await using stack = new AsyncDisposableStack();
    for (const kind of KINDS) {
      const { descriptor } = stack.use(stream(kind));
      for (const app of ['agent', 'gateway'] as const) {
        const stdio = ['ignore', descriptor, descriptor] as const;
        const program = stack.use(new Program(app, ['--grpc-port', 'x'], {}, { stdio: [...stdio] }));
        expect(await program.exit).toBe(2);
      }
    }
  });

  it('a port that is taken ends the gateway with 1 although nobody can be told', async () => {
    await using setup = await pair('ignore');
    const { admin } = setup;
    await using stack = new AsyncDisposableStack();
    for (const kind of KINDS) {
      const { descriptor } = stack.use(stream(kind));
      const env = { HTTP_PORT: new URL(admin).port, GRPC_HOST: '127.0.0.1', GRPC_PORT: '0' };
      const stdio = ['ignore', descriptor, descriptor] as const;
      const second = stack.use(new Program('gateway', [], env, { stdio: [...stdio] }));
      expect(await second.exit).toBe(1);
    }
  });
});
