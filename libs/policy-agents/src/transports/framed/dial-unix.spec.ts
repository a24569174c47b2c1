import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { decode } from '@msgpack/msgpack';
import { disposable, eventually } from '@berth/testing';
import { hello, proxyMessages } from '../../../testing/messages.js';
import { frame, RawPeer } from '../../../testing/raw-peer.js';
import { Recorder } from '../../../testing/recorder.js';
import type { AgentLink, AgentMessage } from '../../link.js';
import { dialUnix, type UnixDialOptions } from './dial-unix.js';

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
