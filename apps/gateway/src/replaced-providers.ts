import type {
  ClassProvider,
  DynamicModule,
  ExistingProvider,
  FactoryProvider,
  Provider,
  ValueProvider,
} from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import { BerthError } from '@berth/errors';

/** A provider with the token of one of the gateway's own. */
export type Replacement = ClassProvider | ValueProvider | FactoryProvider | ExistingProvider;

/**
 * Puts each replacement into the room that has a provider with its token: what
 * a module is given dynamically comes after its own providers, and the last one counts.
 *
 * @throws BerthError `BERTH_CONFIG_INVALID` for a token that no room provides
 */
export function replaceProviders(rooms: readonly DynamicModule[], replacements: readonly Replacement[]): void {
  for (const replacement of replacements) {
    const owners = rooms.filter((room) => providersOf(room).some((it) => tokenOf(it) === replacement.provide));
    if (owners.length === 0) {
      const { provide } = replacement;
      const name = typeof provide === 'function' ? provide.name : String(provide);
      throw new BerthError('BERTH_CONFIG_INVALID', `the gateway has no provider ${name} to replace`);
    }
    for (const room of owners) room.providers = [...(room.providers ?? []), replacement];
  }
}

function providersOf({ module, providers = [] }: DynamicModule): Provider[] {
  const own = (Reflect.getMetadata(MODULE_METADATA.PROVIDERS, module) ?? []) as Provider[];
  return [...own, ...providers];
}

function tokenOf(provider: Provider): unknown {
  return 'provide' in provider ? provider.provide : provider;
}
