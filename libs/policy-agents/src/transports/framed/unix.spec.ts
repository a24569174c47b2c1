import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { decode } from '@msgpack/msgpack';
import { disposable, eventually } from '@berth/testing';
import { capabilities, hello, proxyMessages } from '../../../testing/messages.js';
import { frame, RawPeer } from '../../../testing/raw-peer.js';
import { Recorder } from '../../../testing/recorder.js';
import type { AgentLink, AgentMessage, ProxyLink, ProxyMessage } from '../../link.js';
import { listenOn } from './listen.js';
import { dialUnix, type UnixDialOptions } from './dial-unix.js';
import { serveUnix, type UnixServeOptions } from './serve-unix.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-unix-'));
let sockets = 0;
const newPath = (): string => join(folder, `${(sockets += 1)}.sock`);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** As agents of the original answer, with what they have to say. */
const reply = {
  protocol_version: 2,
  capabilities: {
    agent_id: 'waf',
    name: 'WAF',
    version: '1',
    supported_events: [1, 8],
    features: {},
    limits: { max_body_size: 10, max_concurrency: 1, preferred_chunk_size: 5 },
  },
  success: true,
  error: null,
  encoding: 'json',
};

/** A program in the place of an agent: it writes the bytes that it is given, and keeps what comes. */
async function fakeAgent(bytes?: Buffer) {
  const path = newPath();
  const peers: RawPeer[] = [];
  const server: Server = createServer((socket) => {
    peers.push(new RawPeer(socket));
    if (bytes) socket.write(bytes);
  });
  server.listen(path);
  await once(server, 'listening');
  return disposable({ path, peers }, () => {
    for (const peer of peers) peer.socket.destroy();
    server.close();
  });
}

function dial(path: string, options: Partial<UnixDialOptions> = {}): Promise<AgentLink> {
  return dialUnix({ path, hello, timeoutMs: 5000, ...options });
}

describe('an agent that is dialled over a unix socket', () => {
  it('is told who dials, in JSON, with the encodings that there are', async () => {
    await using agent = await fakeAgent(frame(0x02, reply));
    const link = await dial(agent.path);
    expect(await agent.peers[0]?.next()).toEqual({
      type: 0x01,
      json: {
        supported_versions: [2],
        proxy_id: 'proxy-1',
        proxy_version: '1.2.3',
        config: { mode: 'strict' },
        supported_encodings: ['msgpack', 'json'],
        berth: 1,
      },
    });
    expect(link.capabilities).toMatchObject({ agentId: 'waf', limits: { maxBodySize: 10, preferredChunkSize: 5 } });
    expect([...link.capabilities.supportedEvents]).toEqual(['requestHeaders', 'configure']);
    link.close();
  });

  it.each<[string, object, string]>([
    ['the encoding that it chose', { encoding: 'msgpack' }, 'msgpack'],
    ['JSON when it names no encoding', { encoding: undefined }, 'json'],
  ])('is spoken to in %s', async (_, said, encoding) => {
    await using agent = await fakeAgent(frame(0x02, { ...reply, ...said }));
    const link = await dial(agent.path);
    const peer = agent.peers[0] as RawPeer;
    await peer.next();
    link.send(proxyMessages.ping);
    const bytes = await eventually(() => peer.received.length > 5 && peer.received.subarray(5));
    const read = encoding === 'json' ? (JSON.parse(String(bytes)) as unknown) : decode(bytes as Buffer);
    expect(read).toEqual({ sequence: 9, timestamp_ms: 1_767_225_600_128 });
    link.close();
  });

  it('is heard from its first word on, though it comes with the handshake', async () => {
    await using agent = await fakeAgent(
      Buffer.concat([frame(0x02, reply), frame(0x30, { state: 3 }), frame(0x33, { action: 1 })]),
    );
    const link = await dial(agent.path);
    const got = new Recorder<AgentMessage>();
    link.receiver = got;
    expect(await got.received(2)).toMatchObject([{ state: 'draining' }, { action: 'pause' }]);
    link.close();
  });

  it('may ask whether its proxy is alive', async () => {
    await using agent = await fakeAgent(Buffer.concat([frame(0x02, reply), frame(0x41, { sequence: 3 })]));
    const link = await dial(agent.path);
    link.receiver = new Recorder<AgentMessage>();
    const peer = agent.peers[0] as RawPeer;
    await peer.next();
    expect(await peer.next()).toEqual({ type: 0x42, json: { sequence: 3 } });
    link.close();
  });

  it.each<[string, Buffer, string, string]>([
    [
      'refuses',
      frame(0x02, { ...reply, success: false, error: 'too old' }),
      'BERTH_POLICY_UNAVAILABLE',
      'it refused the handshake: "too old"',
    ],
    [
      'speaks another version',
      frame(0x02, { ...reply, protocol_version: 1 }),
      'BERTH_VERSION_UNSUPPORTED',
      'it speaks version 1 of the protocol, and version 2 is asked for',
    ],
    [
      'chooses an encoding that was not offered',
      frame(0x02, { ...reply, encoding: 'cbor' }),
      'BERTH_PROTOCOL_ERROR',
      'encoding "cbor" was not offered',
    ],
    [
      'answers with another frame',
      frame(0x20, {}),
      'BERTH_PROTOCOL_ERROR',
      'the first frame has to be 0x02, and 0x20 came',
    ],
    [
      'answers with no JSON',
      frame(0x02, 'hello'),
      'BERTH_PROTOCOL_ERROR',
      'malformed frame 0x02: the payload is no JSON',
    ],
    [
      'says of itself what makes no sense',
      frame(0x02, { ...reply, capabilities: { features: { websocket: 'yes' } } }),
      'BERTH_PROTOCOL_ERROR',
      'websocket is neither true nor false',
    ],
    [
      'speaks HTTP',
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'BERTH_PROTOCOL_ERROR',
      'a frame of 1213486160 bytes; at most 262144 are taken',
    ],
  ])('and %s is not linked; the error says what it did', async (_, bytes, code, message) => {
    await using agent = await fakeAgent(bytes);
    await expect(dial(agent.path)).rejects.toMatchObject({
      code,
      message: `policy agent at unix:${agent.path}: ${message}`,
    });
    await agent.peers[0]?.closed();
  });

  it('and is silent, is given up in time, and earlier by a signal', async () => {
    await using agent = await fakeAgent();
    await expect(dial(agent.path, { timeoutMs: 30 })).rejects.toMatchObject({
      code: 'BERTH_HANDSHAKE_TIMEOUT',
      message: `policy agent at unix:${agent.path}: no handshake within 30 ms`,
    });
    const giveUp = new AbortController();
    const dialling = dial(agent.path, { signal: giveUp.signal });
    giveUp.abort();
    await expect(dialling).rejects.toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
    await expect(dial(agent.path, { signal: giveUp.signal })).rejects.toMatchObject({
      code: 'BERTH_CONNECTION_CLOSED',
    });
  });

  it('and is not there, is named', async () => {
    const path = newPath();
    await expect(dial(path)).rejects.toMatchObject({
      code: 'BERTH_CONNECTION_CLOSED',
      message: `policy agent at unix:${path}: the connection failed: connect ENOENT ${path}`,
    });
  });

  it.each<[string, Buffer, string]>([
    ['a frame of length 0', Buffer.alloc(4), 'a frame of length 0'],
    ['a frame over 16 MiB', Buffer.from('01000001', 'hex'), 'a frame of 16777217 bytes; at most 16777216 are taken'],
    ['a frame of an unknown type', frame(0x55, {}), 'a frame of unknown type 0x55'],
    ['an event', frame(0x10, {}), 'a frame of type 0x10, which does not belong here'],
    ['a second handshake', frame(0x02, reply), 'a frame of type 0x02, which does not belong here'],
    ['an answer that is none', frame(0x20, '{"decision":"perhaps"}'), 'malformed frame 0x20: decision is no object'],
    [
      'MessagePack where JSON was agreed',
      frame(0x20, Buffer.from('80', 'hex')),
      'malformed frame 0x20: the payload is no JSON',
    ],
  ])('loses its link when it sends %s', async (_, bytes, message) => {
    await using agent = await fakeAgent(frame(0x02, reply));
    const link = await dial(agent.path);
    const got = new Recorder<AgentMessage>();
    link.receiver = got;
    agent.peers[0]?.socket.write(Buffer.concat([bytes, frame(0x42, { sequence: 1 })]));
    expect(await got.ended()).toMatchObject({ code: 'BERTH_PROTOCOL_ERROR', message });
    expect(got.messages).toEqual([]);
    await agent.peers[0]?.closed();
  });

  it('loses its link when it ends within a frame', async () => {
    await using agent = await fakeAgent(frame(0x02, reply));
    const link = await dial(agent.path);
    const got = new Recorder<AgentMessage>();
    link.receiver = got;
    agent.peers[0]?.socket.end(frame(0x20, {}).subarray(0, 6));
    expect(await got.ended()).toMatchObject({ message: 'the connection ended within a frame' });
  });

  it('is given no more than it may leave unread', async () => {
    await using agent = await fakeAgent(frame(0x02, reply));
    const link = await dial(agent.path);
    const got = new Recorder<AgentMessage>();
    link.receiver = got;
    agent.peers[0]?.socket.pause();
    const chunk = { ...proxyMessages.requestBody, data: Buffer.alloc(1_000_000) };
    let accepted = 0;
    // A sender that does not wait, as it should.
    for (; accepted < 1000 && !got.end; accepted += 1) {
      link.send(chunk);
      await Promise.resolve();
    }
    expect(await got.ended()).toMatchObject({ message: 'it does not read: 67108864 bytes wait for it' });
    expect(accepted).toBeLessThan(100);
  });

  it('hears nothing more from a link that is closed, and its link nothing more from it', async () => {
    await using agent = await fakeAgent(frame(0x02, reply));
    const link = await dial(agent.path);
    const got = new Recorder<AgentMessage>();
    link.receiver = got;
    const peer = agent.peers[0] as RawPeer;
    await peer.next();
    link.close();
    link.close();
    expect(link.send(proxyMessages.ping)).toBe(true);
    peer.socket.write(frame(0x42, { sequence: 1 }));
    await peer.closed();
    expect(await got.ended()).toBeUndefined();
    expect(got.messages).toEqual([]);
    expect(peer.received).toHaveLength(0);
  });
});

it('a unix socket is for this user alone from its first moment', async () => {
  const path = newPath();
  const server = createServer();
  let mode = 0;
  const listen = server.listen.bind(server) as (at: string) => Server;
  server.listen = (at: unknown): Server => {
    listen(path);
    if (at === path) mode = statSync(path).mode & 0o777;
    return server;
  };
  const before = process.umask(0o022);
  await listenOn(server, { path });
  expect([mode, process.umask(before)]).toEqual([0o600, 0o022]);
  server.close();
});

describe('an agent that serves a unix socket', () => {
  async function served(options: Partial<UnixServeOptions> = {}) {
    const links: { link: ProxyLink; got: Recorder<ProxyMessage> }[] = [];
    const refused: string[] = [];
    const server = await serveUnix({
      path: newPath(),
      host: {
        capabilities: () => capabilities,
        linked: (link) => {
          const got = new Recorder<ProxyMessage>();
          link.receiver = got;
          links.push({ link, got });
        },
      },
      refused: (_, thrown) => refused.push(String(thrown)),
      ...options,
    });
    return disposable({ address: server.address, links, refused }, () => server.close());
  }

  /** As proxies of the original write it. */
  const request = { supported_versions: [2], proxy_id: 'zp', proxy_version: '0.6.45', config: null };

  it('answers proxies of the original, in the first encoding that both know', async () => {
    await using it = await served();
    for (const [offered, encoding] of [
      [undefined, 'json'],
      [['json'], 'json'],
      [['msgpack', 'json'], 'msgpack'],
      [['cbor', 'json', 'msgpack'], 'json'],
      [['cbor'], 'json'],
    ]) {
      using proxy = await RawPeer.to(it.address);
      proxy.socket.write(frame(0x01, { ...request, supported_encodings: offered }));
      expect(await proxy.next()).toMatchObject({
        type: 0x02,
        json: { protocol_version: 2, success: true, error: null, encoding, capabilities: { agent_id: 'waf' } },
      });
    }
    expect(it.links[0]?.link.hello).toEqual({ proxyId: 'zp', proxyVersion: '0.6.45', configJson: undefined });
  });

  it('says that it takes configurations by both numbers that are in use for it', async () => {
    await using it = await served();
    using proxy = await RawPeer.to(it.address);
    proxy.socket.write(frame(0x01, request));
    const { json } = await proxy.next();
    expect((json['capabilities'] as { supported_events: number[] }).supported_events).toEqual([
      8, 1, 2, 3, 4, 5, 6, 7, 0,
    ]);
  });

  it('refuses a proxy of another version, with the reason', async () => {
    await using it = await served();
    using proxy = await RawPeer.to(it.address);
    proxy.socket.write(frame(0x01, { ...request, supported_versions: [1, 3] }));
    expect(await proxy.next()).toMatchObject({
      json: { success: false, error: 'version 2 of the protocol is needed', protocol_version: 0 },
    });
    await proxy.closed();
    expect(it.links).toEqual([]);
  });

  it('serves several proxies, and the fault of one is its own', async () => {
    await using it = await served();
    using good = await RawPeer.to(it.address);
    using bad = await RawPeer.to(it.address);
    using worse = await RawPeer.to(it.address);
    for (const proxy of [good, bad]) {
      proxy.socket.write(frame(0x01, request));
      await proxy.next();
    }
    worse.socket.write(frame(0x41, {}));
    await worse.closed();
    bad.socket.write(frame(0x20, {}));
    await bad.closed();
    good.socket.write(frame(0x40, { correlation_id: 'c', reason: 1 }));
    const first = it.links[0] as (typeof it.links)[0];
    expect(await first.got.received(1)).toMatchObject([{ kind: 'cancel', reason: 'timeout' }]);
    expect(it.refused).toEqual(['BerthError: the first frame has to be 0x01, and 0x41 came']);
  });

  it('gives up a proxy that is silent, and takes in no more than it may', async () => {
    await using it = await served({ handshakeTimeoutMs: 100, maxConnections: 2 });
    const proxies = await Promise.all([1, 2, 3].map(() => RawPeer.to(it.address)));
    await Promise.all(proxies.map((proxy) => proxy.closed()));
    expect(it.refused).toHaveLength(2);
  });
});
