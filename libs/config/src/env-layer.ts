import type { RawValue } from './problems.js';
import { BERTH_PREFIX, type SettingInfo } from './program.js';

/** What orchestrators inject for a service named `http` or `grpc`: `HTTP_PORT=tcp://10.0.0.1:80`. */
const INJECTED = /^(tcp|udp|sctp):\/\//;

/**
 * Settings found in the environment, each under its plain name or, stronger,
 * with `BERTH_` before it; weakest is a name that programs share. An empty variable counts as not set, since that is
 * what `NAME=${OTHER:-}` in a compose file leaves; an empty secret is kept and
 * refused later, because to go on without it would open the door that it was
 * meant to close.
 *
 * @param warn told of a variable that is passed over
 */
export function readEnvLayer(
  env: NodeJS.ProcessEnv,
  settings: readonly SettingInfo[],
  warn: (text: string) => void,
): RawValue[] {
  const names = settings.flatMap((one) =>
    [...(one.sharedEnv === undefined ? [] : [one.sharedEnv]), one.env, BERTH_PREFIX + one.env].map(
      (name) => [name, one] as const,
    ),
  );
  return names.flatMap(([name, { path, kind, secret, env: plain }]) => {
    const value = env[name];
    if (value === undefined || (value === '' && secret !== true)) return [];
    if (name !== plain || kind !== 'integer' || !INJECTED.test(value)) return [{ path, value, source: `env ${name}` }];
    const why = 'its value is what an orchestrator sets for a service of that name';
    warn(`${name} is passed over: ${why}; use ${BERTH_PREFIX}${name}`);
    return [];
  });
}
