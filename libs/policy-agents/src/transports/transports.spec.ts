import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { disposable, eventually } from '@berth/testing';
import { agentMessages, capabilities, hello, proxyMessages } from '../../testing/messages.js';
import { Recorder } from '../../testing/recorder.js';
import { silentLog } from '@berth/observability';
import { allowed } from '../answers.js';
import type { AgentLink, AgentMessage, ProxyLink, ProxyMessage, Transport } from '../link.js';
import type { Encoding } from '../wire/shapes/dialect.js';
import type { ListenAddress } from './framed/listen.js';
import { dialReverse } from './reverse/dial-reverse.js';
import { listenForAgents } from './reverse/reverse-listener.js';
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

interface Connection {
  link: AgentLink;
  address: string;
  /** of whoever listens */
  close(): Promise<void>;
  /** connects once more */
  again(): Promise<unknown>;
}

type Way = (agent: Agent) => Promise<Connection>;

const unix =
  (encodings?: Encoding[]): Way =>
  async (host) => {
    const path = join(folder, `${(sockets += 1)}.sock`);
    const server = await serveUnix({ path, host });
    const { address } = server;
    const again = () => dialUnix({ path, hello, timeoutMs, encodings });
    return { link: await again(), address, close: () => server.close(), again };
  };

const grpc: Way = async (host) => {
  const server = await serveGrpc({ address: '127.0.0.1:0', host });
  const { address } = server;
  const again = () => dialGrpc({ target: address, hello, timeoutMs });
  return { link: await again(), address, close: () => server.close(), again };
};

const reverse =
  (at: () => ListenAddress): Way =>
  async (agent) => {
    const links: AgentLink[] = [];
    const server = await listenForAgents({
      address: at(),
      hello: { ...hello, configJson: undefined },
      admit: () => undefined,
      taken: (link) => links.push(link),
      log: silentLog,
    });
    const { address } = server;
    const there = address.startsWith('unix:')
      ? { path: address.slice('unix:'.length) }
      : { host: '127.0.0.1', port: Number(address.split(':')[1]) };
    const registration = { agentId: 'waf', capabilities, token: 't', metadata: { zone: 'a' } };
    const again = async () => {
      agent.linked(await dialReverse({ address: there, registration, timeoutMs }));
    };
    await again();
    return { link: await eventually(() => links[0]), address, close: () => server.close(), again };
  };

describe.each<[string, Way, Transport]>([
  ['a unix socket with MessagePack', unix(), 'unix'],
  ['a unix socket with JSON', unix(['json']), 'unix'],
  ['gRPC', grpc, 'grpc'],
  ['a unix socket that the agent dials', reverse(() => ({ path: join(folder, `${(sockets += 1)}.sock`) })), 'reverse'],
  ['TCP that the agent dials', reverse(() => ({ host: '127.0.0.1', port: 0 })), 'reverse'],
])('over %s', (_, way, transport) => {
  async function connected(agent = new Agent()) {
    const connection = await way(agent);
    const got = new Recorder<AgentMessage>();
    connection.link.receiver = got;
    const there = await eventually(() => agent.links[0]);
    return disposable({ ...connection, agent, got, there }, () => connection.close());
  }

  it('each side knows who the other is', async () => {
    await using it = await connected();
    expect(it.link.transport).toBe(transport);
    expect(it.link.capabilities).toEqual(capabilities);
    expect(it.there.link.hello).toEqual(transport === 'reverse' ? { ...hello, configJson: undefined } : hello);
    expect(it.link.remote).toContain(it.address.split(':')[transport === 'unix' ? 1 : 0]);
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
    const connection = await way(agent);
    await using _ = disposable({}, () => connection.close());
    await new Promise((resolve) => setImmediate(resolve));
    const got = new Recorder<AgentMessage>();
    connection.link.receiver = got;
    expect(await got.received(2)).toEqual([early, early]);
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

  it('who closes a link while it takes a message gets no other', async () => {
    await using it = await connected();
    const got: AgentMessage[] = [];
    const end = new Promise((resolve) => {
      it.link.receiver = {
        message: (message) => {
          got.push(message);
          it.link.close();
        },
        drained: () => undefined,
        closed: resolve,
      };
    });
    for (const message of agentMessages) it.there.link.send(message);
    expect(await end).toBeUndefined();
    await it.there.got.ended();
    expect(got).toEqual(agentMessages.slice(0, 1));
  });

  it('the largest chunk that an agent may want comes', async () => {
    await using it = await connected();
    const data = Buffer.alloc(4_194_304, 0x7b);
    it.link.send({ ...proxyMessages.requestBody, data });
    const [came] = await it.there.got.received(1);
    // Not by the matcher, which takes seconds for so many bytes.
    expect(came?.kind === 'requestBody' && came.data.equals(data)).toBe(true);
  });

  it('chunks that follow each other come as they were, whatever was sent meanwhile', async () => {
    await using it = await connected();
    const COUNT = 64;
    for (let i = 1; i <= COUNT; i += 1) {
      it.link.send({ ...proxyMessages.requestBody, data: Buffer.alloc(65_536, i) });
      if (i % 8 === 0) await it.there.got.received(i);
    }
    const came = await it.there.got.received(COUNT);
    const isRight = came.map((one, i) => one.kind === 'requestBody' && one.data.equals(Buffer.alloc(65_536, i + 1)));
    expect(isRight).toEqual(Array(COUNT).fill(true));
  });

  it('what is larger than a message may be is left out, and its sender is told', async () => {
    await using it = await connected();
    const told: string[] = [];
    const data = Buffer.alloc(16 * 1024 * 1024);
    it.link.send({ ...proxyMessages.requestBody, data }, (limit) => told.push(limit));
    it.there.link.send({ ...allowed('c1'), requestBody: { chunkIndex: 0, data } }, (limit) => told.push(limit));
    const limit = transport === 'grpc' ? '10485760 bytes in a message of gRPC' : '16777216 bytes in a frame';
    expect(told).toEqual([limit, limit]);
    it.link.send(proxyMessages.ping);
    expect(await it.there.got.received(1)).toEqual([proxyMessages.ping]);
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

  it('the end of who listens ends the links', async () => {
    await using it = await connected();
    await it.close();
    expect(await it.got.ended()).toBeUndefined();
    expect(await it.there.got.ended()).toBeUndefined();
    await expect(it.again()).rejects.toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
  });
});
