import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientHttp2Session } from 'node:http2';
import { silentLog } from '@berth/observability';
import { eventually } from '@berth/testing';
import { textReply } from '../../testing/oprc-caller.js';
import type { Invocation } from '../invocation/invocation.js';
import { FunctionServer } from '../server/function-server.js';
import { GrpcTransport } from './grpc-transport.js';

/** Not in Node's types yet. */
type Numbered = ClientHttp2Session & { setNextStreamID(id: number): void };

it('calls go on where a connection has no number left for another stream, and what runs on it ends there', async () => {
  await using stack = new AsyncDisposableStack();
  const ends: (() => void)[] = [];
  const server = new FunctionServer(
    async (invocation) => {
      if (invocation.method === 'hold') await new Promise<void>((resolve) => ends.push(resolve));
      return textReply(invocation, 'ended');
    },
    {},
    silentLog,
  );
  await server.start({ port: 0 });
  stack.defer(() => server.stop({ timeoutMs: 0 }));
  const sessions = new Set<Numbered>();
  const note = (message: unknown): void => {
    const { session } = (message as { stream: { session: Numbered | undefined } }).stream;
    if (session !== undefined) sessions.add(session);
  };
  subscribe('http2.client.stream.created', note);
  stack.defer(() => void unsubscribe('http2.client.stream.created', note));
  const client = new GrpcTransport({ address: `127.0.0.1:${server.info().port ?? 0}` });
  stack.defer(() => client.close());
  const call = async (method: string): Promise<number> => {
    const invocation: Invocation = {
      ...{ id: '', service: 'a.B', method, partition: 0, payload: Buffer.alloc(0), options: {} },
    };
    return (await client.invoke(invocation, { delivery: 'at-most-once' })).status;
  };
  const held = call('hold');
  await eventually(() => ends.length === 1);
  for (const session of sessions) session.setNextStreamID(2 ** 31 - 1);
  expect(await Promise.all(['a', 'b', 'c'].map(call))).toEqual([0, 0, 0]);
  expect(await call('d')).toBe(0);
  expect(sessions.size).toBe(2);
  ends[0]?.();
  expect(await held).toBe(0);
  await client.close();
  await eventually(() => [...sessions].every(({ closed }) => closed));
});
