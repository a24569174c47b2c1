import { createServer } from 'node:net';
import { type ServerDuplexStream, status as Status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { disposable, eventually, listening } from '@berth/testing';
import { ACCEPTS, fakeGrpcAgent } from '../../../testing/fake-grpc-agent.js';
import { hello, proxyMessages } from '../../../testing/messages.js';
import { len, num } from '../../../testing/protobuf.js';
import { Recorder } from '../../../testing/recorder.js';
import type { AgentLink, AgentMessage } from '../../link.js';
import { dialGrpc, type GrpcDialOptions } from './dial-grpc.js';

function dial(target: string, options: Partial<GrpcDialOptions> = {}): Promise<AgentLink> {
  return dialGrpc({ target, hello, timeoutMs: 5000, ...options });
}

type Call = ServerDuplexStream<Buffer, Buffer>;

/** Takes the handshake, and then does what it is told to. */
const accepting =
  (then: (call: Call, message: Buffer) => void = () => undefined) =>
  (call: Call, message: Buffer): void => {
    if (message[0] === 0x0a) call.write(ACCEPTS);
    else then(call, message);
  };

async function linked(link: AgentLink): Promise<Recorder<AgentMessage>> {
  const got = new Recorder<AgentMessage>();
  link.receiver = got;
  await Promise.resolve();
  return got;
}

const NEW = '/zentinel.agent.v2.AgentServiceV2/';
const OLD = '/sentinel.agent.v2.AgentServiceV2/';

describe('an agent that is dialled over gRPC', () => {
  it.each(['zentinel.agent.v2', 'sentinel.agent.v2'])('is found under %s, at once the second time', async (name) => {
    await using agent = await fakeGrpcAgent({ package: name, stream: accepting() });
    for (let i = 0; i < 2; i += 1) {
      const link = await dial(agent.target);
      expect(link.capabilities).toMatchObject({ agentId: 'waf', supportedEvents: new Set(['requestHeaders']) });
      link.close();
    }
    expect(agent.calls).toEqual(Array(2).fill(`/${name}.AgentServiceV2/ProcessStream`));
  });

  it('without streams is asked with a call for each event, and may have no answer to some', async () => {
    await using agent = await fakeGrpcAgent({
      package: 'sentinel.agent.v2',
      event: (message) => {
        if (message[0] === 0x0a) return ACCEPTS;
        if (message[0] === 0x12) return len(2, len(1, 'c-1'), len(3, num(1, 403)));
        if (message[0] === 0x5a) return len(7, num(1, 9));
        throw Object.assign(new Error('no'), { code: Status.INVALID_ARGUMENT, details: 'Unsupported event type' });
      },
    });
    const link = await dial(agent.target);
    const got = await linked(link);
    link.send(proxyMessages.requestComplete);
    link.send(proxyMessages.requestHeaders);
    expect(await got.received(1)).toMatchObject([{ correlationId: 'c-1', decision: { kind: 'block', status: 403 } }]);
    link.send(proxyMessages.ping);
    expect(await got.received(2)).toMatchObject([{}, { kind: 'pong', sequence: 9 }]);
    expect(new Set(agent.calls)).toEqual(new Set([`${OLD}ProcessEvent`]));
    link.close();
    expect(await got.ended()).toBeUndefined();
  });

  it('is asked with calls alone where that is wanted, and loses the link when it goes away', async () => {
    await using agent = await fakeGrpcAgent({
      event: (message) => (message[0] === 0x0a ? ACCEPTS : len(2, len(1, 'c-1'))),
      stream: accepting(),
    });
    const link = await dial(agent.target, { unary: true });
    const got = await linked(link);
    link.send(proxyMessages.requestHeaders);
    await got.received(1);
    expect(agent.calls).toEqual(Array(2).fill(`${NEW}ProcessEvent`));
    agent.server.forceShutdown();
    link.send(proxyMessages.requestHeaders);
    expect(await got.ended()).toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
  });

  it('that answers no calls is sent no more until their time is over', async () => {
    const calls: Call[] = [];
    await using agent = await fakeGrpcAgent({
      event: (message) => (message[0] === 0x0a ? ACCEPTS : undefined),
      stream: (call) => void calls.push(call),
    });
    const link = await dial(agent.target, { unary: true, unaryTimeoutMs: 300 });
    const got = await linked(link);
    const room = Array.from({ length: 257 }, () => link.send(proxyMessages.requestHeaders));
    expect([room.indexOf(false), got.drains]).toEqual([256, 0]);
    await eventually(() => got.drains === 1);
    link.close();
  });

  it('that has none of the methods is named', async () => {
    await using agent = await fakeGrpcAgent({});
    await expect(dial(agent.target)).rejects.toMatchObject({
      code: 'BERTH_POLICY_UNAVAILABLE',
      message: `policy agent at grpc://${agent.target}: it has none of the methods of the protocol (${OLD}ProcessEvent)`,
    });
  });

  it.each<[string, Buffer, string, string]>([
    ['refuses', len(1, num(1, 2), len(4, 'busy')), 'BERTH_POLICY_UNAVAILABLE', 'it refused the handshake: "busy"'],
    [
      'speaks another version',
      len(1, num(1, 3), num(3, 1)),
      'BERTH_VERSION_UNSUPPORTED',
      'it speaks version 3 of the protocol, and version 2 is asked for',
    ],
    [
      'answers with another message',
      len(7, num(1, 1)),
      'BERTH_PROTOCOL_ERROR',
      'its first message has to be a handshake, and is pong',
    ],
    [
      'answers with nothing that is known',
      len(50, 'x'),
      'BERTH_PROTOCOL_ERROR',
      'its first message has to be a handshake, and is unknown',
    ],
    ['answers with garbage', Buffer.from('0aff', 'hex'), 'BERTH_PROTOCOL_ERROR', 'malformed AgentToProxy'],
  ])('and %s is not linked; the error says what it did', async (_, bytes, code, message) => {
    await using agent = await fakeGrpcAgent({ stream: (call) => call.write(bytes) });
    await expect(dial(agent.target)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`policy agent at grpc://${agent.target}: ${message}`),
    });
  });

  it('and is silent, is given up in time, and earlier by a signal', async () => {
    for (const agent of [
      await fakeGrpcAgent({ stream: () => undefined }),
      // Takes connections, and is no gRPC server.
      await listening(createServer()).then((it) => disposable({ target: `127.0.0.1:${it.port}` }, () => it.close())),
    ]) {
      await using _ = agent;
      await expect(dial(agent.target, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'BERTH_HANDSHAKE_TIMEOUT' });
      await expect(dial(agent.target, { timeoutMs: 100, unary: true })).rejects.toMatchObject({
        code: expect.stringMatching(/^BERTH_(HANDSHAKE_TIMEOUT|POLICY_UNAVAILABLE)$/),
      });
      const giveUp = new AbortController();
      const dialling = dial(agent.target, { signal: giveUp.signal });
      giveUp.abort();
      await expect(dialling).rejects.toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
    }
  });

  it('and is not there, is named', async () => {
    const { port, close } = await listening(createServer());
    await close();
    await expect(dial(`127.0.0.1:${port}`)).rejects.toMatchObject({
      code: 'BERTH_CONNECTION_CLOSED',
      message: expect.stringContaining(`policy agent at grpc://127.0.0.1:${port}: UNAVAILABLE: `),
    });
  });

  it.each<[string, Buffer, string]>([
    ['garbage', Buffer.from('12ff', 'hex'), 'malformed AgentToProxy: '],
    ['a second handshake', ACCEPTS, 'a second handshake'],
    ['an unknown state', len(3, num(2, 7)), 'malformed AgentToProxy: state of health 7 is unknown'],
    [
      'a message over 10 MiB',
      len(2, len(1, 'c'), len(3, len(2, Buffer.alloc(10_485_760, 65)))),
      'RESOURCE_EXHAUSTED: ',
    ],
  ])('loses its link when it sends %s', async (_, bytes, message) => {
    await using agent = await fakeGrpcAgent({ stream: accepting((call) => call.write(bytes)) });
    const link = await dial(agent.target);
    const got = await linked(link);
    link.send(proxyMessages.ping);
    expect(await got.ended()).toMatchObject({
      code: 'BERTH_PROTOCOL_ERROR',
      message: expect.stringContaining(message),
    });
    expect(got.messages).toEqual([]);
  });

  it('keeps its link over messages that nobody knows', async () => {
    const unknown = [len(50, 'x'), Buffer.alloc(0), len(2, len(1, 'c-1'), len(200, 'x'))];
    await using agent = await fakeGrpcAgent({
      stream: accepting((call) => unknown.forEach((bytes) => call.write(bytes))),
    });
    const link = await dial(agent.target);
    const got = await linked(link);
    link.send(proxyMessages.ping);
    expect(await got.received(1)).toMatchObject([{ correlationId: 'c-1', decision: { kind: 'allow' } }]);
    link.close();
  });

  it('loses its link when it ends, in order or not', async () => {
    await using agent = await fakeGrpcAgent({
      stream: accepting((call, message) => {
        if (message[0] === 0x5a) call.end();
        else call.emit('error', { code: Status.INTERNAL, details: 'out\nof order' });
      }),
    });
    const first = await dial(agent.target);
    const got = await linked(first);
    first.send(proxyMessages.ping);
    expect(await got.ended()).toBeUndefined();
    const second = await dial(agent.target);
    const other = await linked(second);
    second.send(proxyMessages.cancel);
    const error = await other.ended();
    expect(error).toMatchObject({ code: 'BERTH_CONNECTION_CLOSED' });
    expect(error?.message).toMatch(/^INTERNAL: out.{1,4}of order$/);
  });

  it('is given no more than it may leave unread', async () => {
    await using agent = await fakeGrpcAgent({ stream: accepting((call) => call.pause()) });
    const link = await dial(agent.target);
    const got = await linked(link);
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

  it('is not sent what is larger than it takes', async () => {
    const sizes: number[] = [];
    await using agent = await fakeGrpcAgent({ stream: accepting((_, message) => sizes.push(message.length)) });
    const link = await dial(agent.target, { maxMessageBytes: 100_000 });
    await linked(link);
    link.send({ ...proxyMessages.requestBody, data: Buffer.alloc(100_000) });
    link.send({ ...proxyMessages.requestBody, data: Buffer.alloc(90_000) });
    await eventually(() => sizes.length === 1);
    expect(sizes[0]).toBeLessThan(100_000);
    link.close();
  });
});
