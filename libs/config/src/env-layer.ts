import type { RawValue } from './problems.js';
import type { SettingInfo } from './setting-list.js';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Settings found in the environment. Only known names are looked at. An empty
 * variable counts as not set, since that is what `NAME=${OTHER:-}` in a compose
 * file leaves; an empty secret is kept and refused later, because to go on
 * without it would open the door that it was meant to close.
 */
export function readEnvLayer(env: Environment, settings: readonly SettingInfo[]): RawValue[] {
  return settings.flatMap(({ env: name, path, secret }) => {
    const value = env[name];
    if (value === undefined || (value === '' && secret !== true)) return [];
    return [{ path, value, source: `env ${name}` }];
  });
}
