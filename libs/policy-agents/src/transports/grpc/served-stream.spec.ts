import { once } from 'node:events';
import { Client, credentials } from '@grpc/grpc-js';
import { expect, it } from '@jest/globals';
import { disposable } from '@berth/testing';
import { capabilities } from '../../../testing/messages.js';
import { serveGrpc } from './serve-grpc.js';

const same = (bytes: Buffer): Buffer => bytes;

it('a proxy that waits until its stream is taken before it says anything is served', async () => {
  const host = { capabilities: () => capabilities, linked: () => undefined };
  await using server = disposable(await serveGrpc({ address: '127.0.0.1:0', host }), (it) => it.close());
  const client = new Client(server.address, credentials.createInsecure());
  using stack = new DisposableStack();
  stack.defer(() => client.close());
  const stream = client.makeBidiStreamRequest('/zentinel.agent.v2.AgentServiceV2/ProcessStream', same, same);
  stack.defer(() => stream.cancel());
  stream.on('error', () => undefined);
  await once(stream, 'metadata');
  // A handshake: supported_versions 2.
  stream.write(Buffer.from('0a030a0102', 'hex'));
  const [reply] = (await once(stream, 'data')) as [Buffer];
  expect(reply.includes(capabilities.name)).toBe(true);
});
