import { type InvocationBus, MemoryStore, Nats, NatsBus, type ObjectStore } from 'berth-services';

const prefix = process.env['BENCH_BUS_PREFIX'] ?? 'berth';

/** A bus on the NATS server at a url. */
export async function openBus(url: string): Promise<InvocationBus> {
  return await NatsBus.connect({ servers: url, prefix });
}

/** A bus there, and a store over the same connection, or in this process for `memory`. */
export async function openBoth(
  url: string,
  store: string,
): Promise<{ readonly bus: InvocationBus; readonly store: ObjectStore }> {
  if (store === 'memory') return { bus: await openBus(url), store: new MemoryStore() };
  return await Nats.connect({ servers: url, bus: { prefix } });
}
