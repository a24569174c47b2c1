import { DiscoveryService } from '@nestjs/core';
import type { ExchangeHandler } from '@berth/exchange';
import type { ChosenAgent } from './marked-providers.js';

/** A rule around exchanges: limits, access, policy. It may wait, refuse, answer, see and change what passes. */
export interface ExchangeRule {
  /** @returns the rule for one local service of an agent, made when its port opens; undefined: none, at no cost */
  handlerFor(agent: ChosenAgent): ExchangeHandler | undefined;
}

/**
 * Places of Berth's own handlers, the lowest outermost: it sees requests first
 * and answers last. docs/extending.md shows them.
 */
export const HANDLER_ORDER = {
  watching: 50,
  statistics: 100,
  timeLimits: 200,
  policy: 250,
  interceptors: 300,
  bodyLimit: 400,
  affinity: 550,
  retry: 600,
} as const;

/** Place of a rule that does not say where it belongs: behind the interceptors, before affinity and the second try. */
export const DEFAULT_RULE_ORDER = 500;

/** Marks a provider as an {@link ExchangeRule}; `order` is its place among {@link HANDLER_ORDER}, 500 unless given. */
export const UseOnExchanges = DiscoveryService.createDecorator<{ order?: number }>();
