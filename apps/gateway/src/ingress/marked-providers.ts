import type { DiscoverableDecorator, DiscoveryService } from '@nestjs/core';

/** What a provider for agents' ports chooses agents by. */
export interface ChosenAgent {
  readonly id: string;
  /** name of the local service whose port it is */
  readonly service: string;
  /** what it said when it registered */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A provider that carries a mark, and its place. */
export interface Marked<T> {
  instance: T;
  order: number;
}

/**
 * Providers of the application with a mark that has an `order`, sorted by it: lower first.
 *
 * @param usualOrder of a mark that gives none
 */
export function findMarked<T>(
  discovery: DiscoveryService,
  mark: DiscoverableDecorator<{ order?: number }>,
  usualOrder = 0,
): Marked<T>[] {
  return discovery
    .getProviders({ metadataKey: mark.KEY })
    .map((wrapper) => ({
      instance: wrapper.instance as T,
      order: discovery.getMetadataByDecorator(mark, wrapper)?.order ?? usualOrder,
    }))
    .sort((a, b) => a.order - b.order);
}
