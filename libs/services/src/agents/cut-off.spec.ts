import { describeWithNats, eventually, NatsServer } from '@berth/testing';
import type { InvocationBus } from '../bus/invocation-bus.js';
import { MemoryBus } from '../bus/memory-bus.js';
import { NatsBus } from '../bus/nats/nats-bus.js';
import { client } from '../client/client.js';
import { Getter, Method, State } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import { MemoryStore } from '../objects/memory-store.js';
import { ServiceObject } from '../runtime/service-object.js';
import { Services } from '../runtime/services.js';

const gates: (() => void)[] = [];
let begun = 0;

@Service('Slow', { package: 'test' })
class Slow extends ServiceObject {
  @Getter({ serveWithAgent: true }) @State() done: string = '';

  @Method({ serveWithAgent: true })
  quick(word: string): string {
    this.done += word;
    return this.done;
  }

  @Method({ serveWithAgent: true })
  async slow(word: string): Promise<string> {
    begun += 1;
    await new Promise<void>((resolve) => gates.push(resolve));
    this.done += word;
    return this.done;
  }
}

/** A method that runs is cut off when its agent stops; another agent has the object then. */
async function cutOff(bus: InvocationBus, leaves: boolean): Promise<void> {
  begun = 0;
  const store = new MemoryStore();
  const [first, second] = [1, 2].map(() => new Services({ services: [Slow], bus, store, agentStopTimeoutMs: 20 })) as [
    Services,
    Services,
  ];
  try {
    const slows = client(Slow, { bus });
    await first.startAgent(Slow);
    const leaving = new AbortController();
    const ended = Promise.allSettled([slows.object('x', { signal: leaving.signal }).slow('slow')]);
    await eventually(() => begun === 1);
    if (leaves) {
      leaving.abort();
      await ended;
    }
    await first.stopAllAgents();
    await second.startAgent(Slow);
    expect(await slows.object('x').quick('quick')).toBe('quick');
    for (const open of gates.splice(0)) open();
    await ended;
    // What it would do, begun again or saved, it would do before this is answered.
    for (let i = 0; i < 20; i += 1) expect(await slows.object('x').done()).toBe('quick');
    expect(begun).toBe(1);
  } finally {
    for (const open of gates.splice(0)) open();
    await first.close();
    await second.close();
  }
}

describe('A method that is cut off', () => {
  for (const leaves of [false, true]) {
    it(`saves nothing and is not begun again; its caller ${leaves ? 'had left' : 'stayed'}: MemoryBus`, async () => {
      const bus = new MemoryBus();
      await cutOff(bus, leaves);
      await bus.close();
    });
  }
});

describeWithNats('A method that is cut off, over NATS', () => {
  for (const leaves of [false, true]) {
    it(`saves nothing and is not begun again; its caller ${leaves ? 'had left' : 'stayed'}`, async () => {
      await using server = await NatsServer.start();
      const bus = await NatsBus.connect({ servers: server.url });
      try {
        await cutOff(bus, leaves);
      } finally {
        await bus.close();
      }
    });
  }
});
