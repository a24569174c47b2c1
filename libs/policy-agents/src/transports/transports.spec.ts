import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { disposable, eventually } from '@berth/testing';
import { agentMessages, capabilities, hello, proxyMessages } from '../../testing/messages.js';
import { Recorder } from '../../testing/recorder.js';
import type { AgentLink, AgentMessage, AgentServer, ProxyLink, ProxyMessage } from '../link.js';
import type { Encoding } from '../wire/shapes/dialect.js';
import { dialUnix } from './framed/dial-unix.js';
import { serveUnix } from './framed/serve-unix.js';
import { dialGrpc } from './grpc/dial-grpc.js';
import { serveGrpc } from './grpc/serve-grpc.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-policy-'));
let sockets = 0;
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const timeoutMs = 5000;

/** An agent that keeps the links of its proxies. */
class Agent {
  readonly links: { link: ProxyLink; got: Recorder<ProxyMessage> }[] = [];
  capabilities = () => capabilities;
  linked = (link: ProxyLink): void => {
    const got = new Recorder<ProxyMessage>();
    link.receiver = got;
    this.links.push({ link, got });
  };
}

interface Way {
  serve(agent: Agent): Promise<AgentServer>;
  dial(server: AgentServer): Promise<AgentLink>;
}

function unix(encodings?: Encoding[]): Way {
  return {
    serve: (host) => serveUnix({ path: join(folder, `${(sockets += 1)}.sock`), host }),
    dial: ({ address }) => dialUnix({ path: address.slice('unix:'.length), hello, timeoutMs, encodings }),
  };
}

const grpc: Way = {
  serve: (host) => serveGrpc({ address: '127.0.0.1:0', host }),
  dial: ({ address }) => dialGrpc({ target: address, hello, timeoutMs }),
};

describe.each<[string, Way, string]>([
  ['a unix socket with MessagePack', unix(), 'unix'],
  ['a unix socket with JSON', unix(['json']), 'unix'],
  ['gRPC', grpc, 'grpc'],
])('over %s', (_, way, transport) => {
  async function connected() {
    const agent = new Agent();
    const server = disposable(await way.serve(agent), (it) => it.close());
    const link = await way.dial(server);
    const got = new Recorder<AgentMessage>();
    link.receiver = got;
    const there = await eventually(() => agent.links[0]);
    return { agent, server, link, got, there, [Symbol.asyncDispose]: () => server.close() };
  }

  it('each side knows who the other is', async () => {
    await using it = await connected();
    expect(it.link.transport).toBe(transport);
    expect(it.link.capabilities).toEqual(capabilities);
    expect(it.there.link.hello).toEqual(hello);
    expect(it.link.remote).toContain(it.server.address);
  });

  it('all messages come as they were sent, in their order', async () => {
    await using it = await connected();
    const toAgent = Object.values(proxyMessages).filter(({ kind }) => transport === 'grpc' || kind !== 'shutdown');
    for (const message of toAgent) it.link.send(message);
    for (const message of agentMessages) it.there.link.send(message);
    expect(await it.there.got.received(toAgent.length)).toEqual(toAgent);
    expect(await it.got.received(agentMessages.length)).toEqual(agentMessages);
  });

  it('what is sent before anybody takes it waits', async () => {
    const agent = new Agent();
    const early = agentMessages[0] as AgentMessage;
    const linked = agent.linked;
    agent.linked = (link) => {
      linked(link);
      link.send(early);
      link.send(early);
    };
    await using server = disposable(await way.serve(agent), (it) => it.close());
    const link = await way.dial(server);
    await new Promise((resolve) => setImmediate(resolve));
    const got = new Recorder<AgentMessage>();
    link.receiver = got;
    expect(await got.received(2)).toEqual([early, early]);
    link.close();
  });

  it('each side sees that the other closed in order', async () => {
    await using it = await connected();
    it.link.close();
    expect(await it.there.got.ended()).toBeUndefined();
    expect(await it.got.ended()).toBeUndefined();

    await using other = await connected();
    other.there.link.close();
    expect(await other.got.ended()).toBeUndefined();
    expect(await other.there.got.ended()).toBeUndefined();
  });

  it('what was sent before a link was closed still arrives', async () => {
    await using it = await connected();
    const chunk = { ...proxyMessages.requestBody, data: Buffer.alloc(60_000, 7) };
    for (let i = 0; i < 20; i += 1) it.link.send({ ...chunk, chunkIndex: i });
    it.link.close();
    const got = await it.there.got.received(20);
    expect(got.map((message) => message.kind === 'requestBody' && message.chunkIndex)).toEqual([...Array(20).keys()]);
  });

  it('a sender is told to wait, and that there is room again', async () => {
    await using it = await connected();
    const chunk = { ...proxyMessages.responseBody, data: Buffer.alloc(60_000, 7) };
    let sent = 0;
    do sent += 1;
    while (it.link.send(chunk) && sent < 1000);
    expect(sent).toBeLessThan(1000);
    await eventually(() => it.got.drains > 0);
    expect(await it.there.got.received(sent)).toHaveLength(sent);
  });

  it('the end of an agent ends its links', async () => {
    await using it = await connected();
    await it.server.close();
    expect(await it.got.ended()).toBeUndefined();
    await expect(way.dial(it.server)).rejects.toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
  });
});
