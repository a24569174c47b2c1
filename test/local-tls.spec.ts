import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AgentSettings } from 'berth-agent';
import type { DeepPartial } from '@berth/config';
import { owning, type Listening, listening, localService } from '@berth/testing';
import {
  codeIn,
  type KeyPair,
  type LogLines,
  logLines,
  send,
  testAgent,
  TestCa,
  testGateway,
} from '@berth/testing/system';

describe('an https service beside the agent', () => {
  let ca: TestCa;
  let box: KeyPair;
  let home: KeyPair;
  beforeAll(() => {
    ca = new TestCa();
    box = ca.issue('box.test', 'DNS:box.test');
    home = ca.issue('localhost', 'DNS:localhost,IP:127.0.0.1');
  });
  afterAll(() => {
    ca.remove();
  });

  async function secureService({ certFile, keyFile }: KeyPair): Promise<Listening> {
    const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    return listening(createServer(options, (request, response) => response.end(request.method)));
  }

  async function relayTo(
    target: string,
    tls: DeepPartial<AgentSettings['local']['tls']> = {},
  ): Promise<{ port: number; log: LogLines } & AsyncDisposable> {
    await using stack = new AsyncDisposableStack();
    const gateway = stack.use(await testGateway());
    const log = logLines();
    const agent = stack.use(await testAgent(gateway, target, { local: { tls } }, log.log));
    return owning({ port: agent.port, log }, stack);
  }

  /** Over undici, and over node:http on a socket of its own. */
  async function answers(port: number): Promise<string[]> {
    const both = [await send(port), await send(port, { method: 'OPTIONS', path: '*' })];
    return both.map(({ status, text }) => (status === 200 ? text : `${status} ${codeIn(text)} ${text}`));
  }

  it.each([
    ['its CA', () => home, () => ({ caFile: ca.caFile })],
    ['its CA, and another name', () => box, () => ({ caFile: ca.caFile, serverName: 'box.test' })],
    ['no check', () => box, () => ({ verify: false })],
  ])('is reached with %s', async (_name, certificate, tls) => {
    await using stack = new AsyncDisposableStack();
    await using setup = await relayTo(`https://127.0.0.1:${stack.use(await secureService(certificate())).port}`, tls());
    const { port } = setup;
    expect(await answers(port)).toEqual(['GET', 'OPTIONS']);
  });

  it('is reached with its own self-signed certificate as the CA', async () => {
    const own = new TestCa('localhost');
    const pair = { certFile: own.caFile, keyFile: `${own.folder}/ca.key` };
    await using stack = new AsyncDisposableStack();
    const target = `https://127.0.0.1:${stack.use(await secureService(pair)).port}`;
    await using setup = await relayTo(target, { caFile: own.caFile, serverName: 'localhost' });
    const { port } = setup;
    own.remove();
    expect(await answers(port)).toEqual(['GET', 'OPTIONS']);
  });

  it.each([
    [
      'is not trusted',
      () => home,
      () => ({}),
      'its certificate is not accepted: unable to verify the first certificate (local.tls.caFile, or local.tls.verify to go without)',
    ],
    [
      'is for another name',
      () => box,
      () => ({ caFile: ca.caFile }),
      'its certificate is for another name than the one asked for (local.tls.serverName)',
    ],
  ])('whose certificate %s: the client and the log of the agent are told', async (_name, certificate, tls, reason) => {
    await using stack = new AsyncDisposableStack();
    await using setup = await relayTo(`https://127.0.0.1:${stack.use(await secureService(certificate())).port}`, tls());
    const { port, log } = setup;
    for (const answer of await answers(port)) {
      expect(answer).toContain(`502 BERTH_LOCAL_SERVICE_UNREACHABLE`);
      expect(answer).toContain(`agent agent-1 cannot reach its local service: ${reason}`);
    }
    expect(log.at('warn').filter((line) => line['reason'] === reason).length).toBe(2);
  });

  it('that does not speak TLS: the client and the log of the agent are told', async () => {
    await using plain = await localService((_request, response) => response.end());
    await using setup = await relayTo(`https://127.0.0.1:${plain.port}`);
    const { port, log } = setup;
    for (const answer of await answers(port)) expect(answer).toContain('it does not speak TLS');
    expect(log.at('warn').length).toBe(2);
  });

  it('names the setting of a CA file that cannot be used', async () => {
    await using gateway = await testGateway();
    const caFile = `${ca.folder}/none.pem`;
    await expect(testAgent(gateway, 'https://127.0.0.1:1', { local: { tls: { caFile } } })).rejects.toThrow(
      `local.tls.caFile: cannot use ${caFile}: `,
    );
  });
});
