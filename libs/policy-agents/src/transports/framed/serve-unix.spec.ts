import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { disposable } from '@berth/testing';
import { capabilities } from '../../../testing/messages.js';
import { frame, RawPeer } from '../../../testing/raw-peer.js';
import { Recorder } from '../../../testing/recorder.js';
import type { ProxyLink, ProxyMessage } from '../../link.js';
import { listenOn } from './listen.js';
import { serveUnix, type UnixServeOptions } from './serve-unix.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-unix-'));
let sockets = 0;
const newPath = (): string => join(folder, `${(sockets += 1)}.sock`);
afterAll(() => {
  rmSync(folder, { recursive: true });
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
