import { createHash, randomBytes } from 'node:crypto';
import type { BusDelivery } from '../../src/bus/invocation-bus.js';
import { InvocationStatus } from '../../src/invocation/invocation.js';
import { invocation, labTest, type MakeBuses, ofObject, okay } from './lab.js';

const MIB = 1024 * 1024;

function sha256(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? 'none' : createHash('sha256').update(bytes).digest('hex');
}

/** What arrives is what was sent. */
export function bytesContract(make: MakeBuses): void {
  const test = labTest(make);

  test(
    'B13: payloads arrive byte by byte in both directions: none, empty, every byte, 1 MiB',
    async (lab) => {
      const received: string[] = [];
      await lab.serve({}, (delivery) => {
        const { payload } = delivery.invocation;
        received.push(sha256(payload));
        return Promise.resolve(okay(delivery, Buffer.from(payload).reverse()));
      });
      const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
      for (const payload of [new Uint8Array(0), everyByte, Buffer.from('\r\n\0$-1\r\n'), randomBytes(MIB)]) {
        for (const call of [invocation({ payload }), ofObject('one', { payload })]) {
          const reply = await lab.call(call);
          expect(received.pop()).toBe(sha256(payload));
          expect(sha256(reply.payload)).toBe(sha256(Buffer.from(payload).reverse()));
        }
      }
    },
    { maxPayloadBytes: MIB },
  );

  test('B13: a reply without a payload is not one with an empty payload', async (lab) => {
    await lab.serve({}, (delivery) =>
      Promise.resolve(okay(delivery, delivery.invocation.payload.length === 0 ? undefined : new Uint8Array(0))),
    );
    expect((await lab.call(invocation())).payload).toBeUndefined();
    expect((await lab.call(invocation({ payload: Buffer.from('x') }))).payload?.length).toBe(0);
  });

  test('B13: status, headers and id of a reply arrive', async (lab) => {
    await lab.serve({}, ({ invocation: { id } }) =>
      Promise.resolve({
        status: InvocationStatus.APP_ERROR,
        headers: { 'content-type': 'text/plain; charset=utf-8', ключ: 'значение 🚢', empty: '' },
        payload: Buffer.from('{}'),
        invocationId: id,
      }),
    );
    const call = invocation();
    const reply = await lab.call(call);
    expect(reply.status).toBe(InvocationStatus.APP_ERROR);
    expect(reply.invocationId).toBe(call.id);
    expect(reply.headers).toEqual({
      'content-type': 'text/plain; charset=utf-8',
      ключ: 'значение 🚢',
      empty: '',
    });
  });

  test('B13: object ids, options and all other fields arrive as they were', async (lab) => {
    const seen: BusDelivery[] = [];
    await lab.serve({ statelessMethods: [] }, (delivery) => {
      seen.push(delivery);
      return Promise.resolve(okay(delivery));
    });
    const deadline = Date.now() + 10_000;
    for (const objectId of ['18446744073709551615', '007', 'größe 🚢 {x}:y%20"\\', '漢字', ' ']) {
      const options = { 'idempotency-key': 'k', größe: '"🚢"\n{}', empty: '' };
      const call = ofObject(objectId, { options, idempotencyKey: `key ${objectId}`, deadline });
      const { invocationId } = await lab.call(call, 'at-least-once');
      const delivery = seen.pop();
      expect(invocationId).toBe(call.id);
      expect(delivery?.delivery).toBe('at-least-once');
      expect(delivery?.attempt).toBe(1);
      expect({ ...delivery?.invocation, payload: 0, deadline: 0 }).toEqual({ ...call, payload: 0, deadline: 0 });
      // Clocks of two hosts may differ.
      expect(Math.abs((delivery?.invocation.deadline ?? 0) - deadline)).toBeLessThan(1000);
    }
  });

  test('later changes of a buffer by caller or handler do not reach the other', async (lab) => {
    const kept: Uint8Array[] = [];
    await lab.serve({}, (delivery) => {
      const { payload } = delivery.invocation;
      const reply = Buffer.from(payload);
      payload.fill(1);
      kept.push(payload, reply);
      return Promise.resolve(okay(delivery, reply));
    });
    const payload = Buffer.alloc(16, 7);
    const pending = lab.call(invocation({ payload }));
    payload.fill(2);
    const { payload: answer } = await pending;
    for (const buffer of kept) buffer.fill(3);
    expect(Buffer.from(answer ?? []).equals(Buffer.alloc(16, 7))).toBe(true);
    expect(payload.equals(Buffer.alloc(16, 2))).toBe(true);
    answer?.fill(4);
    expect(kept.every((buffer) => buffer.every((byte) => byte === 3))).toBe(true);
  });
}
