import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { eventually, listening, localService, RawClient } from '@berth/testing';
import {
  type Balancer,
  hasHaproxy,
  haproxy,
  hasNginxStream,
  httpsPorts,
  logLines,
  nginxStream,
  send,
  testAgent,
  testGateway,
} from '@berth/testing/system';

/** The balancers' own address. They pass clients of another one on, which is who has to be seen. */
const BALANCER = '127.0.0.1';
const CLIENT = '127.0.0.9';

type Version = 'v1' | 'v2' | 'any';

const access = (proxyProtocol: Version) => ({ '*': { access: { trustedProxies: [BALANCER], proxyProtocol } } });

const KINDS: [name: string, there: boolean, version: Version, make: (target: number) => Promise<Balancer>][] = [
  ['haproxy with send-proxy', hasHaproxy, 'v1', (target) => haproxy(target, 'send-proxy')],
  ['haproxy with send-proxy-v2', hasHaproxy, 'v2', (target) => haproxy(target, 'send-proxy-v2')],
  [
    'haproxy with send-proxy-v2, a checksum and all that it can say',
    hasHaproxy,
    'any',
    (target) => haproxy(target, 'send-proxy-v2 proxy-v2-options ssl,cert-cn,ssl-cipher,crc32c,unique-id,authority'),
  ],
  ['nginx with proxy_protocol on', hasNginxStream, 'v1', nginxStream],
];

describe('load balancers before a port', () => {
  const { lab, remove, trusted } = httpsPorts();
  afterAll(remove);

  for (const [name, there, version, make] of KINDS) {
    const test = there ? it : it.skip;
    const title = there ? name : `${name} (not on this machine: apt-get install haproxy libnginx-mod-stream)`;

    test(`${title}: HTTP, kept connections and pipelines, with the client's address`, async () => {
      await using stack = new AsyncDisposableStack();
      const service = stack.use(
        await localService((request, response) => response.end(JSON.stringify(request.headers))),
      );
      const log = logLines();
      const gateway = stack.use(await testGateway({ policies: access(version) }, 4, log.log));
      const agent = stack.use(await testAgent(gateway, service.port));
      const balancer = stack.use(await make(agent.port));
      const { status, text } = await send(balancer.port, { localAddress: CLIENT });
      expect([status, text]).toEqual([200, expect.stringContaining(`"x-forwarded-for":"${CLIENT}"`)]);
      using client = await RawClient.connect(balancer.port, { localAddress: CLIENT });
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(20));
      await eventually(() => client.text().split(`"x-forwarded-for":"${CLIENT}"`).length === 21);
      // Who comes without the balancer is its equal here, and has to say who it is.
      await expect(send(agent.port)).rejects.toThrow();
      expect((await send(agent.port, { localAddress: CLIENT })).status).toBe(200);
    });

    test(`${title}: TLS that ends at the gateway`, async () => {
      await using setup = await lab({}, { policies: access(version) });
      await using balancer = await make(setup.port);
      const raw = connect({ host: '127.0.0.1', port: balancer.port, localAddress: CLIENT });
      const socket = connectTls({ socket: raw, servername: 'gateway.test', ...trusted });
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      expect(String(Buffer.concat(chunks))).toContain(`"x-forwarded-for":"${CLIENT}","x-forwarded-proto":"https"`);
    });

    test(`${title}: raw TCP to a service that speaks first and wants the header itself`, async () => {
      /** what each connection brought; one is the look whether the balancer is there */
      const seen: Buffer[][] = [];
      await using stack = new AsyncDisposableStack();
      const { port } = stack.use(
        await listening(
          createServer((socket) => {
            const chunks: Buffer[] = [];
            seen.push(chunks);
            // A balancer that is ended, or has seen enough, resets its connections.
            socket.on('error', () => undefined);
            socket.on('data', (bytes) => chunks.push(bytes));
            socket.write('hello');
          }),
        ),
      );
      const gateway = stack.use(await testGateway({ policies: access(version) }));
      const agent = stack.use(await testAgent(gateway, `tcp://127.0.0.1:${port}`, { local: { proxyProtocol: 'v2' } }));
      const balancer = stack.use(await make(agent.port));
      using client = await RawClient.connect(balancer.port, { localAddress: CLIENT });
      await eventually(() => client.text() === 'hello');
      const headers = seen
        .map((chunks) => Buffer.concat(chunks))
        .map((header) => [...header.subarray(16, 20), header.readUInt16BE(24), header.readUInt16BE(26)]);
      expect(headers).toContainEqual([127, 0, 0, 9, client.socket.localPort, balancer.port]);
    });
  }

  (hasHaproxy ? it : it.skip)('health checks of haproxy are taken', async () => {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService((_, response) => response.end('x')));
    const log = logLines();
    const gateway = stack.use(await testGateway({ policies: access('v2') }, 4, log.log));
    const agent = stack.use(await testAgent(gateway, service.port));
    // Without a limit of its own a check that takes longer than the interval counts as failed.
    const check = 'send-proxy-v2 check inter 50ms fall 100\n  timeout check 10s';
    const up = stack.use(await haproxy(agent.port, check));
    const asking = stack.use(await haproxy(agent.port, `${check}\n  option httpchk GET /`));
    for (const { port } of [up, asking]) expect((await send(port)).status).toBe(200);
    const requests = async (): Promise<number> => {
      const detail = await (await fetch(`${gateway.admin}/agents/agent-1`)).json();
      return (detail as { requests: number }).requests;
    };
    await eventually(async () => (await requests()) > 4);
    expect(log.at('warn').filter(({ msg }) => msg.includes('proxy'))).toEqual([]);
  });
});
