import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { AgentSettings } from 'berth-agent';
import type { DeepPartial } from '@berth/config';
import { Cleanup, localService } from '@berth/testing';
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

describe('issue 8, D27: an https service beside the agent', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());
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

  async function secureService({ certFile, keyFile }: KeyPair): Promise<number> {
    const options = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    const server: Server = createServer(options, (request, response) => response.end(request.method));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanup.add(server, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return (server.address() as AddressInfo).port;
  }

  async function relayTo(
    target: string,
    tls: DeepPartial<AgentSettings['local']['tls']> = {},
  ): Promise<{ port: number; log: LogLines }> {
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const log = logLines();
    const agent = cleanup.add(await testAgent(gateway, target, { local: { tls } }, log.log), (it) => it.stop());
    return { port: agent.port, log };
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
    const { port } = await relayTo(`https://127.0.0.1:${await secureService(certificate())}`, tls());
    expect(await answers(port)).toEqual(['GET', 'OPTIONS']);
  });

  it('is reached with its own self-signed certificate as the CA', async () => {
    const own = new TestCa('localhost');
    const pair = { certFile: own.caFile, keyFile: `${own.folder}/ca.key` };
    const target = `https://127.0.0.1:${await secureService(pair)}`;
    const { port } = await relayTo(target, { caFile: own.caFile, serverName: 'localhost' });
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
    const { port, log } = await relayTo(`https://127.0.0.1:${await secureService(certificate())}`, tls());
    for (const answer of await answers(port)) {
      expect(answer).toContain(`502 BERTH_LOCAL_SERVICE_UNREACHABLE`);
      expect(answer).toContain(`agent agent-1 cannot reach its local service: ${reason}`);
    }
    expect(log.at('warn').filter((line) => line['reason'] === reason).length).toBe(2);
  });

  it('that does not speak TLS: the client and the log of the agent are told', async () => {
    const plain = cleanup.add(await localService((_request, response) => response.end()), (it) => it.close());
    const { port, log } = await relayTo(`https://127.0.0.1:${plain.port}`);
    for (const answer of await answers(port)) expect(answer).toContain('it does not speak TLS');
    expect(log.at('warn').length).toBe(2);
  });

  it('names the setting of a CA file that cannot be used', async () => {
    const gateway = cleanup.add(await testGateway(), (it) => it.close());
    const caFile = `${ca.folder}/none.pem`;
    await expect(testAgent(gateway, 'https://127.0.0.1:1', { local: { tls: { caFile } } })).rejects.toThrow(
      `local.tls.caFile: cannot use ${caFile}: `,
    );
  });
});
