import { yaml } from './yaml.js';
import type { AgentSettings, GatewaySettings } from './gateway-settings.js';
import { AGENT_SCHEMA, GATEWAY_SCHEMA } from './setting-list.js';
import { getAt, plainCopy, setAt } from './tree.js';
import { withoutUserInfo } from './user-info.js';

/** Settings as YAML for people and logs; each secret that is set reads `[REDACTED]`, and the user of a URL. */
export function redactedYaml(settings: GatewaySettings | AgentSettings): string {
  const schema = 'target' in settings ? AGENT_SCHEMA : GATEWAY_SCHEMA;
  const copy = plainCopy(settings);
  for (const { path, kind, secret } of schema.settings) {
    const value = getAt(copy, path);
    if (secret === true && value !== '') setAt(copy, path, '[REDACTED]');
    else if (kind === 'text' && typeof value === 'string') setAt(copy, path, withoutUserInfo(value));
  }
  return yaml().stringify(copy);
}
