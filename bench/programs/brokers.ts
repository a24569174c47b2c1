import { type InvocationBus, NatsBus, NatsStore, type ObjectStore, RedisBus, RedisStore } from 'berth-services';

/** A bus on the broker at a url, whatever its kind. */
export async function openBus(url: string): Promise<InvocationBus> {
  return url.startsWith('nats') ? await NatsBus.connect({ servers: url }) : await RedisBus.connect({ url });
}

export async function openStore(url: string): Promise<ObjectStore> {
  return url.startsWith('nats') ? await NatsStore.open({ servers: url }) : await RedisStore.open({ url });
}
