import { readFileSync } from 'node:fs';
import { Client, credentials, Metadata, status as Status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disposable, eventually } from '@berth/testing';
import { TestCa } from '@berth/testing/system';
import { answers, capabilities, hello, proxyMessages } from '../../../testing/messages.js';
import { len, num } from '../../../testing/protobuf.js';
import { Recorder } from '../../../testing/recorder.js';
import type { AgentHost, AgentLink, AgentMessage, ProxyLink, ProxyMessage } from '../../link.js';
import { dialGrpc, type GrpcDialOptions } from './dial-grpc.js';
import { type GrpcServeOptions, serveGrpc } from './serve-grpc.js';

function dial(target: string, options: Partial<GrpcDialOptions> = {}): Promise<AgentLink> {
  return dialGrpc({ target, hello, timeoutMs: 5000, ...options });
}

async function linked(link: AgentLink): Promise<Recorder<AgentMessage>> {
  const got = new Recorder<AgentMessage>();
  link.receiver = got;
  await Promise.resolve();
  return got;
}

const NEW = '/zentinel.agent.v2.AgentServiceV2/';

/** An agent of ours, with what it is sent. */
function host(received: (link: ProxyLink, message: ProxyMessage) => void = () => undefined) {
  const links: { link: ProxyLink; got: Recorder<ProxyMessage> }[] = [];
  const agent: AgentHost = {
    capabilities: () => capabilities,
    linked: (link) => {
      const got = new Recorder<ProxyMessage>();
      links.push({ link, got });
      link.receiver = {
        message: (message) => {
          got.message(message);
          received(link, message);
        },
        drained: () => undefined,
        closed: (error) => {
          got.closed(error);
        },
      };
    },
  };
  return { agent, links };
}

async function served(agent: AgentHost, options: Partial<GrpcServeOptions> = {}) {
  const refused: string[] = [];
  const server = await serveGrpc({
    address: '127.0.0.1:0',
    host: agent,
    refused: (_, thrown) => refused.push(String(thrown)),
    ...options,
  });
  return disposable({ target: server.address, refused }, () => server.close());
}

describe('an agent that serves gRPC', () => {
  it('answers single events', async () => {
    const answer = { ...(answers[2] as AgentMessage & { kind: 'answer' }) };
    const { agent, links } = host((link, message) => {
      if (message.kind === 'requestHeaders' || message.kind === 'configure') link.send(answer);
    });
    await using it = await served(agent);
    const link = await dial(it.target, { unary: true });
    const got = await linked(link);
    // Nothing is to be answered to a cancel: its call ends all the same.
    link.send(proxyMessages.cancel);
    link.send(proxyMessages.requestHeaders);
    expect(await got.received(1)).toEqual([answer]);
    link.send(proxyMessages.ping);
    expect(await got.received(2)).toMatchObject([{}, { kind: 'pong', pingTimestampMs: 1_767_225_600_128 }]);
    await eventually(() => links.every(({ got: { end } }) => end));
    link.close();
  });

  it('is not sent what is larger than it takes in calls of their own either', async () => {
    await using it = await served(host().agent);
    const link = await dial(it.target, { maxMessageBytes: 100_000, unary: true });
    await linked(link);
    const told: string[] = [];
    link.send({ ...proxyMessages.requestBody, data: Buffer.alloc(100_000) }, (limit) => told.push(limit));
    expect(told).toEqual(['100000 bytes in a message of gRPC']);
    link.close();
  });

  it('is not kept waiting by a proxy that shakes no hands', async () => {
    await using it = await served(host().agent, { handshakeTimeoutMs: 50 });
    const client = new Client(it.target, credentials.createInsecure());
    const same = (bytes: Buffer): Buffer => bytes;
    const ended = async (first?: Buffer): Promise<string> => {
      const call = client.makeBidiStreamRequest(`${NEW}ProcessStream`, same, same, new Metadata());
      call.on('error', () => undefined);
      call.on('data', () => undefined);
      if (first) call.write(first);
      return new Promise((resolve) => {
        call.on('status', ({ code, details }) => {
          resolve(`${Status[code]}: ${details}`);
        });
      });
    };
    expect(await ended()).toBe('DEADLINE_EXCEEDED: no handshake within 50 ms');
    expect(await ended(len(11, num(1, 1)))).toBe('INVALID_ARGUMENT: the first message has to be a handshake');
    expect(await ended(Buffer.from('0aff', 'hex'))).toMatch(/^INVALID_ARGUMENT: malformed ProxyToAgent: /);
    // A proxy of another version is told so in the protocol.
    expect(await ended(len(1, len(1, Buffer.from([1]))))).toBe('OK: OK');
    expect(it.refused).toHaveLength(3);
    client.close();
  });

  it('tells where it cannot listen', async () => {
    await using it = await served(host().agent);
    await expect(served(host().agent, { address: it.target })).rejects.toMatchObject({
      code: 'BERTH_SERVER_START_FAILED',
      message: expect.stringContaining(`cannot listen on ${it.target}: `),
    });
  });
});

describe('gRPC with TLS', () => {
  let ca: TestCa;
  const pem = (file: string): Buffer => readFileSync(file);
  beforeAll(() => {
    ca = new TestCa();
  });
  afterAll(() => {
    ca.remove();
  });

  it('needs a certificate that fits, of either side', async () => {
    const server = ca.issue('agent', 'DNS:agent.test');
    const client = ca.issue('proxy');
    const root = pem(ca.caFile);
    const tls = { cert: pem(server.certFile), key: pem(server.keyFile), ca: root };
    await using it = await served(host().agent, { tls });
    const own = { cert: pem(client.certFile), key: pem(client.keyFile) };
    const link = await dial(it.target, { tls: { ca: root, ...own, serverName: 'agent.test' } });
    expect(link.remote).toBe(`grpcs://${it.target}`);
    link.close();
    for (const wrong of [
      { ca: root, serverName: 'agent.test' },
      { ca: root, ...own, serverName: 'other.test' },
      { ...own, serverName: 'agent.test' },
      undefined,
    ]) {
      await expect(dial(it.target, { tls: wrong, timeoutMs: 3000 })).rejects.toMatchObject({
        code: 'BERTH_CONNECTION_CLOSED',
      });
    }
  });

  it('names files that cannot be used', async () => {
    await expect(dial('127.0.0.1:1', { tls: { cert: Buffer.from('x'), key: Buffer.from('y') } })).rejects.toMatchObject(
      {
        code: 'BERTH_CONFIG_INVALID',
        message: expect.stringContaining('policy agent at grpcs://127.0.0.1:1: the TLS files cannot be used: '),
      },
    );
    const tls = { cert: Buffer.from('x'), key: Buffer.from('y') };
    await expect(served(host().agent, { tls })).rejects.toMatchObject({ code: 'BERTH_SERVER_START_FAILED' });
  });
});
