import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { BerthError } from '@berth/errors';
import type { Log } from '@berth/observability';
import { Child, disposable, eventually } from '@berth/testing';
import { TestCa } from '@berth/testing/system';
import { capabilities, proxyMessages } from '../../../testing/messages.js';
import { frame, RawPeer } from '../../../testing/raw-peer.js';
import { Recorder } from '../../../testing/recorder.js';
import type { AgentLink, AgentMessage, ProxyMessage } from '../../link.js';
import type { ClientTls } from '../grpc/grpc-channel.js';
import type { ServerTls } from '../grpc/serve-grpc.js';
import { dialReverse } from './dial-reverse.js';
import { listenForAgents, type ReverseListenOptions } from './reverse-listener.js';
import type { Registration } from './registration.js';

const folder = mkdtempSync(join(tmpdir(), 'berth-reverse-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** As an agent of the original writes it; its capabilities say no more than they must. */
const registration = {
  protocol_version: 2,
  agent_id: 'waf-1',
  capabilities: {
    agent_id: 'waf-1',
    name: 'WAF',
    version: '1.0.0',
    supported_events: [1, 2],
    features: {
      streaming_body: true,
      websocket: false,
      guardrails: false,
      config_push: false,
      metrics_export: false,
      concurrent_requests: 10,
      cancellation: true,
      flow_control: false,
      health_reporting: false,
    },
    limits: { max_body_size: 1000, max_concurrency: 10, preferred_chunk_size: 100 },
  },
  auth_token: 's3cret',
  metadata: { zone: 'b' },
};

async function listener(options: Partial<ReverseListenOptions> = {}) {
  const taken: { link: AgentLink; registration: Registration; got: Recorder<AgentMessage> }[] = [];
  const lines: object[] = [];
  const write = (fields: object, message: string) => lines.push({ ...fields, message });
  const it = await listenForAgents({
    address: { host: '127.0.0.1', port: 0 },
    hello: { proxyId: 'gw', proxyVersion: '0.1.0' },
    admit: () => undefined,
    taken: (link, said) => {
      const got = new Recorder<AgentMessage>();
      link.receiver = got;
      taken.push({ link, registration: said, got });
    },
    log: { debug: write, info: write, warn: write, error: write } as unknown as Log,
    ...options,
  });
  return disposable({ address: it.address, renew: (tls: ServerTls) => it.renew(tls), taken, lines }, () => it.close());
}

describe('a listener for agents that dial', () => {
  it('takes in an agent of the original, in JSON', async () => {
    await using it = await listener();
    using agent = await RawPeer.to(it.address);
    agent.socket.write(frame(0x01, registration));
    const { type, json } = await agent.next();
    expect(type).toBe(0x02);
    expect(json).toMatchObject({
      success: true,
      error: null,
      proxy_id: 'gw',
      proxy_version: '0.1.0',
      encoding: 'json',
    });
    expect(json['connection_id']).toMatch(/^[0-9a-f]{16}$/);

    const [{ link, registration: said, got }] = it.taken as [(typeof it.taken)[0]];
    expect(said).toMatchObject({ agentId: 'waf-1', token: 's3cret', metadata: { zone: 'b' }, protocolVersion: 2 });
    expect(link).toMatchObject({ transport: 'reverse', capabilities: { agentId: 'waf-1', health: undefined } });
    expect([...link.capabilities.supportedEvents]).toEqual(['requestHeaders', 'requestBody']);

    link.send(proxyMessages.ping);
    expect(await agent.next()).toEqual({ type: 0x41, json: { sequence: 9, timestamp_ms: 1_767_225_600_128 } });
    agent.socket.write(frame(0x42, { sequence: 9, timestamp_ms: 5 }));
    expect(await got.received(1)).toEqual([{ kind: 'pong', sequence: 9, pingTimestampMs: 5, timestampMs: 5 }]);
  });

  it('tells an agent why it is refused, closes, and says it in the log without the token', async () => {
    const cause = new Error('its token is not the right one');
    await using it = await listener({
      admit: () => new BerthError('BERTH_UNAUTHENTICATED', 'not admitted', { cause }),
    });
    using agent = await RawPeer.to(it.address);
    agent.socket.write(frame(0x01, registration));
    expect(await agent.next()).toEqual({
      type: 0x02,
      json: {
        success: false,
        error: 'not admitted',
        proxy_id: 'gw',
        proxy_version: '0.1.0',
        connection_id: '',
        berth: 1,
      },
    });
    await agent.closed();
    expect(it.taken).toEqual([]);
    expect(it.lines).toEqual([
      {
        remote: expect.stringMatching(/^127\.0\.0\.1 port \d+$/),
        policyAgent: 'waf-1',
        code: 'BERTH_UNAUTHENTICATED',
        reason: 'not admitted (its token is not the right one)',
        message: 'policy agents: a registration was refused',
      },
    ]);
  });

  it.each<[string, Buffer, string]>([
    ['another frame', frame(0x10, {}), 'the first frame has to be 0x01, and 0x10 came'],
    ['a frame of an unknown type', frame(0x99, {}), 'a frame of unknown type 0x99'],
    ['a frame of length 0', Buffer.alloc(4), 'a frame of length 0'],
    ['a frame that is larger than a registration', Buffer.from('00050001', 'hex'), 'at most 262144 are taken'],
    ['what is no JSON', frame(0x01, '{"s3cret'), 'malformed frame 0x01: the payload is no JSON'],
    ['what is no object', frame(0x01, '[1]'), 'malformed frame 0x01: the payload is no object'],
    ['an id that is no text', frame(0x01, { ...registration, agent_id: 7 }), 'agent_id is no text'],
    [
      'capabilities that are none',
      frame(0x01, { ...registration, capabilities: 's3cret' }),
      'capabilities is no object',
    ],
  ])('ends a connection that begins with %s, and says why in the log', async (_, bytes, reason) => {
    await using it = await listener();
    using agent = await RawPeer.to(it.address);
    agent.socket.write(bytes);
    await agent.closed();
    expect(it.taken).toEqual([]);
    expect(it.lines).toEqual([expect.objectContaining({ reason: expect.stringContaining(reason) })]);
    expect(JSON.stringify(it.lines)).not.toContain('s3cret');
  });

  it('ends a connection that does not register in time', async () => {
    await using it = await listener({ handshakeTimeoutMs: 50 });
    using agent = await RawPeer.to(it.address);
    agent.socket.write(frame(0x01, registration).subarray(0, 50));
    await agent.closed();
    expect(it.lines).toEqual([
      expect.objectContaining({ code: 'BERTH_HANDSHAKE_TIMEOUT', reason: 'no handshake within 50 ms' }),
    ]);
  });

  it('keeps few connections that have not registered, and the log short', async () => {
    await using it = await listener({ maxPending: 20, maxPendingPerAddress: 10 });
    const peers = await Promise.all(Array.from({ length: 60 }, () => RawPeer.to(it.address)));
    await eventually(() => peers.filter((peer) => peer.isClosed).length === 50);
    expect(it.lines).toHaveLength(5);
    // Those who are there may register, and make room.
    const open = peers.filter((peer) => !peer.isClosed);
    expect(open).toHaveLength(10);
    for (const peer of open) peer.socket.write(frame(0x01, registration));
    await eventually(() => it.taken.length === 10);
    using one = await RawPeer.to(it.address);
    one.socket.write(frame(0x01, registration));
    await eventually(() => it.taken.length === 11);
    for (const peer of peers) peer.socket.destroy();
  });

  it('says at the limit of an agent what is so at that time', async () => {
    const admit = () => (it.taken.length >= 1 ? new BerthError('BERTH_TOO_MANY_CONNECTIONS', 'enough') : undefined);
    await using it = await listener({ admit });
    using first = await RawPeer.to(it.address);
    using second = await RawPeer.to(it.address);
    for (const peer of [first, second]) peer.socket.write(frame(0x01, registration));
    const said = await Promise.all([first.next(), second.next()]);
    expect(said.map(({ json }) => json['success']).sort()).toEqual([false, true]);
  });

  it('ends a link whose agent sends what does not belong there, and no other', async () => {
    await using it = await listener();
    using good = await RawPeer.to(it.address);
    using bad = await RawPeer.to(it.address);
    for (const peer of [good, bad]) {
      peer.socket.write(frame(0x01, registration));
      await peer.next();
    }
    bad.socket.write(frame(0x10, {}));
    expect(await it.taken[1]?.got.ended()).toMatchObject({
      code: 'BERTH_PROTOCOL_ERROR',
      message: 'a frame of type 0x10, which does not belong here',
    });
    good.socket.write(frame(0x42, { sequence: 1 }));
    expect(await it.taken[0]?.got.received(1)).toHaveLength(1);
  });
});

describe('its TLS', () => {
  it('needs a certificate that fits, of either side, and a silent or a plain connection costs no other', async () => {
    using ca = new TestCa();
    const pem = (file: string): Buffer => readFileSync(file);
    const [server, client] = [ca.issue('gateway', 'DNS:gateway.test'), ca.issue('waf')];
    const root = pem(ca.caFile);
    const tls = { cert: pem(server.certFile), key: pem(server.keyFile), ca: root };
    await using it = await listener({ tls, handshakeTimeoutMs: 300 });
    using silent = await RawPeer.to(it.address);
    using plain = await RawPeer.to(it.address);
    plain.socket.write(frame(0x01, registration));
    await plain.closed();
    const own = { cert: pem(client.certFile), key: pem(client.keyFile) };
    const dial = (using_: ClientTls) =>
      dialReverse({
        address: { host: '127.0.0.1', port: Number(it.address.split(':')[1]) },
        tls: using_,
        registration: { agentId: 'waf-1', capabilities, token: undefined, metadata: undefined },
        timeoutMs: 5000,
      });
    const link = await dial({ ca: root, ...own, serverName: 'gateway.test' });
    expect(link.hello).toMatchObject({ proxyId: 'gw' });
    link.close();
    for (const wrong of [
      { ca: root, serverName: 'gateway.test' },
      { ca: root, ...own, serverName: 'other.test' },
      { ...own, serverName: 'gateway.test' },
    ]) {
      await expect(dial(wrong)).rejects.toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
    }
    await silent.closed();
    expect(it.taken).toHaveLength(1);
  });

  it('is renewed for those who come later', async () => {
    using ca = new TestCa();
    const pem = (file: string): Buffer => readFileSync(file);
    const certificate = (name: string) => {
      const { certFile, keyFile } = ca.issue(name, `DNS:${name}.test`);
      return { cert: pem(certFile), key: pem(keyFile) };
    };
    await using it = await listener({ tls: certificate('before') });
    const dial = (serverName: string) =>
      dialReverse({
        address: { host: '127.0.0.1', port: Number(it.address.split(':')[1]) },
        tls: { ca: pem(ca.caFile), serverName },
        registration: { agentId: 'waf-1', capabilities, token: undefined, metadata: undefined },
        timeoutMs: 5000,
      });
    const link = await dial('before.test');
    it.renew(certificate('after'));
    (await dial('after.test')).close();
    await expect(dial('before.test')).rejects.toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
    expect(() => it.renew({ cert: Buffer.from('x'), key: Buffer.from('y') })).toThrow();
    const [first] = it.taken;
    first?.link.send(proxyMessages.ping);
    const got = new Recorder<ProxyMessage>();
    link.receiver = got;
    expect(await got.received(1)).toEqual([proxyMessages.ping]);
    link.close();
  });

  it('is refused at once when the certificate cannot be used', async () => {
    const tls = { cert: Buffer.from('x'), key: Buffer.from('y') };
    await expect(listener({ tls })).rejects.toThrow();
  });
});

describe('its unix socket', () => {
  it('is for this user alone', async () => {
    const path = join(folder, 'mode.sock');
    await using _ = await listener({ address: { path } });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('takes the place of one that a killed process left', async () => {
    const path = join(folder, 'stale.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await using killed = new Child(process.execPath, ['-e', script]);
    await killed.exit;
    expect(statSync(path).isSocket()).toBe(true);
    await using it = await listener({ address: { path } });
    using agent = await RawPeer.to(it.address);
    expect(agent.isClosed).toBe(false);
  });

  it('does not take the place of one that is served, nor of a file', async () => {
    const path = join(folder, 'busy.sock');
    await using _ = await listener({ address: { path } });
    await expect(listener({ address: { path } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const file = join(folder, 'file');
    writeFileSync(file, 'mine');
    await expect(listener({ address: { path: file } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(statSync(file).size).toBe(4);
  });
});
