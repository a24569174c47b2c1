import { type InvocationBus, MemoryStore, NatsBus, NatsStore, type ObjectStore } from 'berth-services';

/** A bus on the NATS server at a url. */
export async function openBus(url: string): Promise<InvocationBus> {
  return await NatsBus.connect({ servers: url, prefix: process.env['BENCH_BUS_PREFIX'] ?? 'berth' });
}

/** A store there, or one in this process for `memory`. */
export async function openStore(url: string): Promise<ObjectStore> {
  return url === 'memory' ? new MemoryStore() : await NatsStore.open({ servers: url });
}
