import { expect, it } from '@jest/globals';
import { eventually } from '@berth/testing';
import { ACCEPTS, fakeGrpcAgent } from '../../../testing/fake-grpc-agent.js';
import { hello } from '../../../testing/messages.js';
import { len, num } from '../../../testing/protobuf.js';
import { dialGrpc } from './dial-grpc.js';

it.each([
  ['many messages', 5000, 0, 200],
  ['large messages', 200, 60_000, 10],
])('an agent that sends much at once lets others have their turn: %s', async (_, count, bytes, mostInATurn) => {
  const padding = len(100, Buffer.alloc(bytes));
  await using agent = await fakeGrpcAgent({
    stream: (call, message) => {
      if (message[0] === 0x0a) call.write(ACCEPTS);
      else for (let i = 0; i < count; i += 1) call.write(len(7, num(1, i), padding));
    },
  });
  const link = await dialGrpc({ target: agent.target, hello, timeoutMs: 5000 });
  let [all, inThisTurn, most] = [0, 0, 0];
  link.receiver = {
    message: () => {
      all += 1;
      inThisTurn += 1;
      most = Math.max(most, inThisTurn);
      if (inThisTurn === 1) setImmediate(() => (inThisTurn = 0));
    },
    drained: () => undefined,
    closed: () => undefined,
  };
  link.send({ kind: 'ping', sequence: 1, timestampMs: 0 });
  await eventually(() => all === count);
  expect(most).toBeLessThan(mostInATurn);
  link.close();
});
