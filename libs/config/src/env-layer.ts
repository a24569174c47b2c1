import type { RawValue } from './problems.js';
import { BERTH_PREFIX, type SettingInfo } from './program.js';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What orchestrators inject for a service named `http` or `grpc`: `HTTP_PORT=tcp://10.0.0.1:80`. */
const INJECTED = /^(tcp|udp|sctp):\/\//;

/**
 * Settings found in the environment, each under its plain name or, stronger,
 * with `BERTH_` before it. An empty variable counts as not set, since that is
 * what `NAME=${OTHER:-}` in a compose file leaves; an empty secret is kept and
 * refused later, because to go on without it would open the door that it was
 * meant to close.
 *
 * @param warn told of a variable that is passed over
 */
export function readEnvLayer(
  env: Environment,
  settings: readonly SettingInfo[],
  warn: (text: string) => void,
): RawValue[] {
  return settings.flatMap((setting) =>
    [setting.env, BERTH_PREFIX + setting.env].flatMap((name) => {
      const value = env[name];
      if (value === undefined || (value === '' && setting.secret !== true)) return [];
      if (name === setting.env && setting.kind === 'integer' && INJECTED.test(value)) {
        warn(
          `${name} is passed over: its value is what an orchestrator sets for a service of that name; use ${BERTH_PREFIX}${name}`,
        );
        return [];
      }
      return [{ path: setting.path, value, source: `env ${name}` }];
    }),
  );
}
