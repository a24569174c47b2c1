import { eventually } from '@berth/testing';
import { gate, HeldHandler, invocation, labTest, type MakeBuses, ofObject, okay } from './lab.js';

/** Calls on one object run one at a time in order, other objects in parallel. */
export function orderContract(make: MakeBuses): void {
  const test = labTest(make);

  test('per object one at a time, in order of acceptance, across two agents', async (lab) => {
    const OBJECTS = 5;
    const CALLS = 250;
    const running = new Set<string>();
    const overlaps: string[] = [];
    const order = new Map<string, number[]>();
    let mostAtOnce = 0;
    for (let agent = 0; agent < 2; agent += 1) {
      await lab.serve({ concurrency: OBJECTS }, async (delivery) => {
        const { objectId = '', payload } = delivery.invocation;
        if (running.has(objectId)) overlaps.push(objectId);
        running.add(objectId);
        mostAtOnce = Math.max(mostAtOnce, running.size);
        order.set(objectId, [...(order.get(objectId) ?? []), Buffer.from(payload).readUInt32BE()]);
        await new Promise((resolve) => setImmediate(resolve));
        running.delete(objectId);
        return okay(delivery);
      });
    }
    await Promise.all(
      Array.from({ length: CALLS }, (_, i) => {
        const payload = Buffer.alloc(4);
        payload.writeUInt32BE(i);
        return lab.call(ofObject(`object ${i % OBJECTS}`, { payload }), i % 3 === 0 ? 'at-least-once' : 'at-most-once');
      }),
    );
    expect(overlaps).toEqual([]);
    expect(mostAtOnce).toBeGreaterThan(1);
    expect(order.size).toBe(OBJECTS);
    for (const [objectId, numbers] of order) {
      const first = Number(objectId.slice('object '.length));
      expect(numbers).toEqual(Array.from({ length: CALLS / OBJECTS }, (_, i) => first + i * OBJECTS));
    }
  });

  test('a busy object holds up no other one', async (lab) => {
    const held = new HeldHandler();
    await lab.serve({ concurrency: 3 }, (delivery) =>
      delivery.invocation.objectId === 'busy' ? held.handle(delivery) : Promise.resolve(okay(delivery)),
    );
    const busy = Array.from({ length: 5 }, () => lab.call(ofObject('busy')));
    for (let i = 0; i < 10; i += 1) await lab.call(ofObject(`other ${i}`));
    await lab.call(invocation());
    expect(held.begun).toHaveLength(1);
    for (let i = 1; i <= 5; i += 1) {
      await eventually(() => held.begun.length === i);
      held.answer();
    }
    await Promise.all(busy);
  });

  test('objects and stateless calls run side by side, up to the concurrency and no further', async (lab) => {
    const all = gate();
    let running = 0;
    let most = 0;
    await lab.serve({ concurrency: 4 }, async (delivery) => {
      running += 1;
      most = Math.max(most, running);
      if (running === 4) all.open();
      // Opens only when four run at once.
      await all.opened;
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return okay(delivery);
    });
    const calls = Array.from({ length: 24 }, (_, i) => lab.call(i % 2 === 0 ? invocation() : ofObject(`object ${i}`)));
    await Promise.all(calls);
    expect(most).toBe(4);
  });

  test('an object that waits gets its turn beside a flood of stateless calls', async (lab) => {
    const order: string[] = [];
    await lab.serve({ concurrency: 1 }, async (delivery) => {
      order.push(delivery.invocation.objectId ?? 'stateless');
      await new Promise((resolve) => setImmediate(resolve));
      return okay(delivery);
    });
    const flood = Array.from({ length: 200 }, () => lab.call(invocation()));
    const object = lab.call(ofObject('one'));
    await Promise.all([...flood, object]);
    expect(order).toHaveLength(201);
    expect(order.indexOf('one')).toBeLessThan(200);
  });
}
