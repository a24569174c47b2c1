import type { DiscoverableDecorator, DiscoveryService } from '@nestjs/core';

/** Providers of the application with a mark that has an `order`, sorted by it: lower first, 0 unless given. */
export function findMarked<T>(discovery: DiscoveryService, mark: DiscoverableDecorator<{ order?: number }>): T[] {
  return discovery
    .getProviders({ metadataKey: mark.KEY })
    .map((wrapper) => ({
      instance: wrapper.instance as T,
      order: discovery.getMetadataByDecorator(mark, wrapper)?.order ?? 0,
    }))
    .sort((a, b) => a.order - b.order)
    .map(({ instance }) => instance);
}
