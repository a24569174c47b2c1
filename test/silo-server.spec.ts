import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { defaultAgentSettings, launchAgent } from 'berth-agent';
import type { AgentSettings } from 'berth-agent';
import type { DeepPartial } from '@berth/config';
import { owning, disposable, eventually, localService } from '@berth/testing';
import { logLines, SiloServer, type SiloServerStream, testGateway } from '@berth/testing/system';

const LIMIT = 4_194_304;

describe('an agent at a server of the original kind', () => {
  async function bodyOf(request: IncomingMessage): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  const echo: RequestListener = (request, response) => {
    void bodyOf(request).then((body) => {
      response.setHeader(
        'X-Seen',
        JSON.stringify({ method: request.method, url: request.url, raw: request.rawHeaders }),
      );
      response.end(body);
    });
  };

  const start = (
    grpcPort: number,
    target: number,
    settings: Omit<DeepPartial<AgentSettings>, 'target' | 'id'> = {},
    log = logLines(),
  ) =>
    disposable(
      launchAgent(
        defaultAgentSettings({
          target: `http://127.0.0.1:${target}`,
          gateway: `127.0.0.1:${grpcPort}`,
          protocol: 'silo',
          reconnect: { minMs: 20, maxMs: 100 },
          shutdown: { timeoutMs: 1000 },
          ...settings,
          id: 'agent-1',
        }),
        { log: log.log },
      ),
      (it) => it.stop(),
    );

  const connect = async (
    listener: RequestListener = echo,
    settings: Omit<DeepPartial<AgentSettings>, 'target' | 'id'> = {},
    log = logLines(),
  ): Promise<
    { server: SiloServer; stream: SiloServerStream; agent: ReturnType<typeof launchAgent> } & AsyncDisposable
  > => {
    await using stack = new AsyncDisposableStack();
    const service = stack.use(await localService(listener));
    const server = stack.use(await SiloServer.start());
    const agent = stack.use(start(server.port, service.port, settings, log));
    await agent.ready;
    return owning({ server, stream: await server.agent(), agent }, stack);
  };

  it('A20: registers with a PING that has its id, and is ready with the PONG', async () => {
    await using setup = await connect();
    const { stream, agent } = setup;
    expect(stream.messages).toMatchObject([{ type: 'PING', metadata: { agent_id: 'agent-1' } }]);
    expect(await agent.ready).toMatchObject({ port: 0, url: '' });
  });

  it('A20: does what it is asked, and sends the answer whole', async () => {
    await using setup = await connect();
    const { stream } = setup;
    const answer = await stream.request(
      {
        method: 'POST',
        // As the original server has them: the path decoded, the type without its parameters, all headers of the hop.
        path: '/a b/ü',
        query: 'x=%20y',
        content_type: 'multipart/form-data',
        'header_Content-Type': 'multipart/form-data; boundary=b',
        header_Connection: 'keep-alive, X-Hop',
        'header_X-Hop': '1',
        header_Expect: '100-continue',
        'header_Content-Length': '4',
        'header_X-One': '1',
      },
      'body',
    );
    expect(answer.metadata).toMatchObject({ status_code: '200', 'header_Content-Length': '4' });
    expect(String(answer.payload)).toBe('body');
    const seen = JSON.parse(answer.metadata['header_X-Seen'] ?? '') as { method: string; url: string; raw: string[] };
    expect(seen).toMatchObject({ method: 'POST', url: '/a%20b/%C3%BC?x=%20y' });
    expect(seen.raw).toEqual(expect.arrayContaining(['multipart/form-data; boundary=b', 'X-One']));
    for (const gone of ['X-Hop', 'Expect']) expect(seen.raw).not.toContain(gone);
  });

  it('A20: 1,000 requests side by side have their own answers', async () => {
    await using setup = await connect();
    const { stream } = setup;
    const right = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const body = createHash('sha256')
          .update(String(i))
          .digest('hex')
          .repeat(1 + (i % 32));
        const answer = await stream.request({ method: 'PUT', path: `/${i}` }, body);
        return String(answer.payload) === body && answer.metadata['header_X-Seen']?.includes(`"/${i}"`) === true;
      }),
    );
    expect(right.filter((it) => it)).toHaveLength(1000);
  });

  it('answers HEAD with the length it speaks of, and empty answers', async () => {
    await using setup = await connect((request, response) => {
      response.writeHead(
        request.method === 'HEAD' ? 200 : 204,
        request.method === 'HEAD' ? { 'Content-Length': 1234 } : {},
      );
      response.end();
    });
    const { stream } = setup;
    const head = await stream.request({ method: 'HEAD' });
    expect(head.metadata).toMatchObject({ status_code: '200', 'header_Content-Length': '1234' });
    expect(head.payload).toHaveLength(0);
    expect((await stream.request()).metadata).toMatchObject({ status_code: '204' });
  });

  it('passes redirects on, and several cookies as one, with one warning', async () => {
    const log = logLines();
    await using setup = await connect(
      (_, response) => {
        response.writeHead(302, { Location: '/there', 'Set-Cookie': ['a=1', 'b=2'], Vary: ['x', 'y'] });
        response.end();
      },
      {},
      log,
    );
    const { stream } = setup;
    for (let i = 0; i < 3; i += 1) {
      expect((await stream.request()).metadata).toMatchObject({
        status_code: '302',
        header_Location: '/there',
        'header_Set-Cookie': 'a=1',
        header_Vary: 'x, y',
      });
    }
    expect(log.at('warn').filter(({ msg }) => msg.includes('cookies'))).toHaveLength(1);
  });

  it('says what failed as the wire has it: 502 with a text, and none of its addresses', async () => {
    await using setup = await connect((request) => request.socket.destroy());
    const { stream } = setup;
    const broken = await stream.request({ method: 'POST' }, 'x');
    expect(broken.metadata).toMatchObject({ status_code: '502', error: expect.stringMatching(/./) });
    expect(String(broken.payload)).toBe(broken.metadata['error']);
    expect(broken.metadata['error']).not.toContain('127.0.0.1');
    const bad = await stream.request({ method: '', path: 'no path' });
    expect(bad.metadata).toMatchObject({ status_code: '502' });
  });

  it('an answer that does not fit into a message is 502, and its service is let go', async () => {
    let closed = false;
    await using setup = await connect((request, response) => {
      response.on('close', () => (closed = true));
      if (request.url === '/small') response.end('small');
      else response.write(Buffer.alloc(LIMIT));
    });
    const { stream } = setup;
    const answer = await stream.request();
    expect(answer.metadata).toMatchObject({ status_code: '502', error: expect.stringContaining('larger') });
    await eventually(() => closed);
    expect((await stream.request({ path: '/small' })).metadata).toMatchObject({ status_code: '200' });
  });

  it('takes as much at once as maxBufferedBytes, reads on later, and loses nothing of it', async () => {
    const waiting: (() => void)[] = [];
    await using setup = await connect(
      (request, response) => {
        void bodyOf(request).then((body) => {
          waiting.push(() => response.end(createHash('sha256').update(body).digest('hex')));
        });
      },
      { silo: { maxBufferedBytes: LIMIT } },
    );
    const { stream } = setup;
    const bodies = Array.from({ length: 12 }, (_, i) => Buffer.alloc(1_000_000, i));
    const answers = bodies.map((body) => stream.request({ method: 'POST' }, body));
    // Five fill it, and one more is on its way behind the pause.
    await eventually(() => waiting.length >= 5);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(waiting.length).toBeLessThanOrEqual(6);
    const timer = setInterval(() => waiting.shift()?.(), 10);
    const got = await Promise.all(answers);
    clearInterval(timer);
    expect(got.map(({ payload }) => String(payload))).toEqual(
      bodies.map((body) => createHash('sha256').update(body).digest('hex')),
    );
  });

  it('comes again when the server ends the stream, and when the server is away', async () => {
    await using setup = await connect();
    const { server, stream, agent } = setup;
    let losses = 0;
    agent.client.on('lost', () => (losses += 1));
    stream.call.end();
    const second = await server.agent(2);
    expect((await second.request({ path: '/again' })).metadata).toMatchObject({ status_code: '200' });
    second.breakOff();
    expect(await server.agent(3)).toMatchObject({ agentId: 'agent-1' });
    expect(losses).toBe(2);
  });

  it('what runs when the stream ends is let go at the service', async () => {
    let aborted = false;
    await using setup = await connect((_, response) => {
      response.on('close', () => (aborted = true));
    });
    const { server, stream } = setup;
    void stream.request();
    await eventually(() => stream.messages.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    stream.breakOff();
    await eventually(() => aborted);
    await server.agent(2);
  });

  it('leaves in order: what runs is answered first', async () => {
    let finish: (() => void) | undefined;
    await using setup = await connect((_, response) => {
      finish = () => response.end('in time');
    });
    const { stream, agent } = setup;
    const answer = stream.request();
    await eventually(() => finish);
    const stopped = agent.stop();
    finish?.();
    expect(String((await answer).payload)).toBe('in time');
    await stopped;
    await eventually(() => stream.ended);
  });

  it('garbage and other kinds of messages: the first ends the connection, the others are passed over', async () => {
    await using setup = await connect();
    const { server, stream } = setup;
    stream.call.write({ id: 'x', type: 'PING', payload: Buffer.alloc(0), metadata: {} });
    stream.call.write({ id: 'x', type: 'RESPONSE', payload: Buffer.alloc(0), metadata: {} });
    stream.call.write({ id: 'x', type: 'UNKNOWN', payload: Buffer.alloc(0), metadata: {} });
    expect((await stream.request()).metadata).toMatchObject({ status_code: '200' });
    expect(server.streams).toHaveLength(1);
  });

  it('says what is wrong when the server does not know the protocol', async () => {
    await using gateway = await testGateway();
    await using agent = start(gateway.grpcPort, 1);
    await expect(agent.ready).rejects.toMatchObject({ code: 'BERTH_VERSION_UNSUPPORTED' });
    using server = await SiloServer.start();
    await using other = start(server.port, 1, { protocol: 'berth' });
    const [{ reason }] = (await once(other.client, 'lost')) as [{ reason: Error }];
    expect(reason.message).toMatch(/check gateway and protocol$/);
  });

  it('several connections of one id are refused by the settings', () => {
    expect(() => defaultAgentSettings({ target: '3000', id: 'agent-1', protocol: 'silo', connections: 2 })).toThrow(
      /connections.*protocol silo/,
    );
  });
});
