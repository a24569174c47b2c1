import { jest } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js';
import { ERROR_CODE_METADATA, passBuffer, TUNNEL_METHOD_PATH } from '@berth/tunnel-protocol';
import { disposable, eventually, freePortRange, type LocalService, localService } from '@berth/testing';
import { agentIds, type GatewayProgram, gatewayProgram, listens, Program, urlOf } from '@berth/testing/system';

jest.setTimeout(30_000);

describe('the programs', () => {
  const startGateway = async (env: Record<string, string> = {}): Promise<GatewayProgram> =>
    await gatewayProgram(await freePortRange(3), [], env);
  const agent = (args: string[], env: Record<string, string> = {}): Program => new Program('agent', args, env);
  const gatewayOf = (args: string[], env: Record<string, string> = {}): Program => new Program('gateway', args, env);
  const dial = (gateway: GatewayProgram, target: string | number, ...more: string[]): Program =>
    agent([String(target), '--id', 'laptop', '--gateway', `127.0.0.1:${gateway.grpcPort}`, ...more]);

  /** Answers with two halves; the second when `finish` is called. */
  async function halves(): Promise<LocalService & { finish(): void }> {
    let finish = (): void => undefined;
    const service = await localService((_, response) => {
      response.write('begun ');
      finish = () => void response.end('and done');
    });
    return { ...service, finish: () => finish() };
  }

  it('A18: the agent prints where it can be reached, and ends with 0 on SIGTERM', async () => {
    await using service = await localService((_, response) => response.end('hello'));
    await using gateway = await startGateway();
    await using program = dial(gateway, `http://127.0.0.1:${service.port}`);
    const { url } = await urlOf(program);
    expect(await (await fetch(url)).text()).toBe('hello');
    program.kill();
    expect(await program.exit).toBe(0);
    await eventually(async () => (await agentIds({ admin: `http://127.0.0.1:${gateway.adminPort}` })).length === 0);
  });

  it('the agent answers 502 with a code when nothing listens at its target', async () => {
    await using stack = new AsyncDisposableStack();
    const { url } = await urlOf(stack.use(dial(stack.use(await startGateway()), 'http://127.0.0.1:1')));
    const response = await fetch(url);
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'BERTH_LOCAL_SERVICE_UNREACHABLE' } });
  });

  it('wrong settings end with 2, all problems named, at both', async () => {
    await using one = agent(['--id', 'not an id', '--gateway', 'nowhere', '--connections', '0']);
    expect(await one.exit).toBe(2);
    for (const name of ['target', 'id', 'gateway', 'connections']) expect(one.stderr).toContain(name);
    await using other = gatewayOf(['--http-agent-port-range-start', '9000', '--http-agent-port-range-end', '8000']);
    expect(await other.exit).toBe(2);
    // A1: the setting is named.
    expect(other.stderr).toContain('http.agentPortRange');
  });

  it('TLS files that are not there end with 2, and are named', async () => {
    await using one = agent(['3000', '--id', 'laptop', '--tls-ca', '/nowhere/ca.crt']);
    expect(await one.exit).toBe(2);
    expect(one.stderr).toMatch(/^--tls-ca: cannot read \/nowhere\/ca\.crt: /);
    await using other = gatewayOf(['--grpc-port', '0'], {
      GRPC_TLS_ENABLED: 'true',
      GRPC_TLS_CERT_FILE: '/nowhere/gateway.crt',
      GRPC_TLS_KEY_FILE: '/nowhere/gateway.key',
    });
    expect(await other.exit).toBe(2);
    expect(other.stderr).toContain('grpc.tls.certFile');
  });

  it('the agent ends with 3 when it is refused for good, and shows no token', async () => {
    await using gateway = await startGateway({ AUTH_TOKEN: 'right-token-1' });
    await using program = dial(gateway, 3000, '--token', 'wrong-token-2');
    expect(await program.exit).toBe(3);
    expect(program.stderr).toBe("BERTH_UNAUTHENTICATED: the token is not the gateway's (--token or BERTH_TOKEN)\n");
    gateway.program.kill();
    await gateway.program.exit;
    const all = program.stdout + program.stderr + gateway.program.stdout + gateway.program.stderr;
    expect(all).not.toMatch(/right-token-1|wrong-token-2/);
  });

  it('the agent ends in one line that no terminal obeys, whatever its gateway says', async () => {
    const metadata = new Metadata();
    metadata.set(ERROR_CODE_METADATA, 'BERTH_UNAUTHENTICATED');
    const server = new Server();
    await using _server = disposable(server, (it) => {
      it.forceShutdown();
    });
    const types = { requestDeserialize: passBuffer, requestSerialize: passBuffer };
    const method = { ...types, responseDeserialize: passBuffer, responseSerialize: passBuffer };
    server.addService(
      { connect: { path: TUNNEL_METHOD_PATH, requestStream: true, responseStream: true, ...method } },
      {
        connect: (call: ServerDuplexStream<Buffer, Buffer>) => {
          call.emit('error', { code: status.UNAUTHENTICATED, details: 'no\u001b[2J\r\nall is well', metadata });
        },
      },
    );
    const port = await promisify(server.bindAsync.bind(server))('127.0.0.1:0', ServerCredentials.createInsecure());
    await using program = agent(['3000', '--id', 'laptop', '--gateway', `127.0.0.1:${port}`]);
    expect(await program.exit).toBe(3);
    expect(program.stderr).toBe('BERTH_UNAUTHENTICATED: no\\x1b[2J\\x0d\\x0aall is well\n');
  });

  it('the agent lives on when another process takes its id, and tells when it tries again', async () => {
    await using gateway = await startGateway({ TUNNEL_DUPLICATE_AGENT: 'replace' });
    await using first = dial(gateway, 3000, '--reconnect-max-ms', '2000');
    const { url } = await urlOf(first);
    await using second = dial(gateway, 3000);
    expect((await urlOf(second)).url).toBe(url);
    await first.printed(/"reason":"another process registered as agent .*","retryInMs":(1[5-9]\d\d|2000)\b/);
    second.kill();
    await second.exit;
    const addresses = (): number => first.stdout.split(`"url":"${url}"`).length - 1;
    await eventually(() => addresses() === 2);
  });

  it('the gateway ends with 1 when a port is taken, and names the setting', async () => {
    await using gateway = await startGateway();
    const env = { GRPC_HOST: '127.0.0.1', HTTP_PORT: '0', GRPC_PORT: String(gateway.grpcPort) };
    await using second = gatewayOf([], env);
    expect(await second.exit).toBe(1);
    expect(second.stderr).toContain('grpc.port');
    await using third = gatewayOf([], { ...env, GRPC_PORT: '0', HTTP_PORT: String(gateway.adminPort) });
    expect(await third.exit).toBe(1);
    expect(third.stderr).toContain('http.port');
  });

  it('--print-config shows what holds, without secrets', async () => {
    const secret = 'print-me-not';
    await using one = gatewayOf(['--print-config', '--token', secret], { HTTP_PORT: '8281' });
    await using other = agent(['3000', '--id', 'laptop', '--print-config', '--token', secret]);
    for (const program of [one, other]) {
      expect(await program.exit).toBe(0);
      expect(program.stdout).toContain('[REDACTED]');
      expect(program.stdout + program.stderr).not.toContain(secret);
    }
    // A14: every setting has an environment name.
    expect(one.stdout).toContain('port: 8281');
  });

  it('A14: on SIGTERM the gateway answers a download in flight, then ends with 0', async () => {
    await using service = await halves();
    await using gateway = await startGateway();
    await using program = dial(gateway, service.port);
    const { url, port } = await urlOf(program);
    const response = await fetch(url);
    gateway.program.kill();
    await eventually(async () => !(await listens(port)));
    service.finish();
    expect(await response.text()).toBe('begun and done');
    expect(await gateway.program.exit).toBe(0);
    await program.printed(/"event":"no_connection".*shutting down/);
  });

  it('A14: the shutdown has a bound, whatever clients do', async () => {
    await using service = await halves();
    await using gateway = await startGateway({ SHUTDOWN_TIMEOUT_MS: '700' });
    await using stack = new AsyncDisposableStack();
    const response = await fetch((await urlOf(stack.use(dial(gateway, service.port)))).url);
    const since = performance.now();
    gateway.program.kill();
    expect(await gateway.program.exit).toBe(0);
    expect(performance.now() - since).toBeLessThan(5000);
    await expect(response.text()).rejects.toThrow();
  });

  it('A14: a second signal ends the gateway at once', async () => {
    await using service = await halves();
    await using gateway = await startGateway({ SHUTDOWN_TIMEOUT_MS: '60000' });
    await using stack = new AsyncDisposableStack();
    const { url, port } = await urlOf(stack.use(dial(gateway, service.port)));
    await fetch(url);
    gateway.program.kill();
    await eventually(async () => !(await listens(port)));
    gateway.program.kill();
    expect(await gateway.program.exit).toBe(143);
  });

  it('A3: an agent that is killed under load returns to its port when it is started again', async () => {
    await using service = await localService((request, response) => request.pipe(response));
    await using gateway = await startGateway();
    await using first = dial(gateway, service.port);
    const { url } = await urlOf(first);
    let goOn = true;
    let served = 0;
    const loop = async (): Promise<void> => {
      while (goOn) {
        // Refused or broken while the agent is away; that it comes back is what counts.
        const response = await fetch(url, { method: 'POST', body: 'x' }).catch(() => undefined);
        if (response?.ok === true) served += 1;
      }
    };
    const loops = Array.from({ length: 4 }, loop);
    await eventually(() => served > 20);
    first.kill('SIGKILL');
    expect(await first.exit).toBe('SIGKILL');
    await using second = dial(gateway, service.port);
    expect((await urlOf(second)).url).toBe(url);
    const before = served;
    await eventually(() => served > before + 20);
    goOn = false;
    await Promise.all(loops);
  });

  it('an idle agent stays below 90 MB', async () => {
    await using stack = new AsyncDisposableStack();
    await using program = dial(stack.use(await startGateway()), 3000);
    await urlOf(program);
    if (process.platform !== 'linux') return;
    // Idle is what it is once its start is behind it, which takes a busy machine a while.
    await eventually(async () => {
      const text = await readFile(`/proc/${program.pid}/status`, 'utf8');
      const kib = Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]);
      expect(kib / 1024).toBeGreaterThan(10);
      expect(kib / 1024).toBeLessThan(90);
      return true;
    }, 15_000);
  });
});
