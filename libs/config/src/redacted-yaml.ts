import { yaml } from './yaml.js';
import type { AgentSettings, GatewaySettings } from './gateway-settings.js';
import { AGENT_SCHEMA, GATEWAY_SCHEMA } from './setting-list.js';
import { getAt, plainCopy, setAt } from './tree.js';

/** Settings as YAML for people and logs; each secret that is set reads `[REDACTED]`. */
export function redactedYaml(settings: GatewaySettings | AgentSettings): string {
  const schema = 'target' in settings ? AGENT_SCHEMA : GATEWAY_SCHEMA;
  const copy = plainCopy(settings);
  for (const { path, secret } of schema.settings) {
    if (secret === true && getAt(copy, path) !== '') setAt(copy, path, '[REDACTED]');
  }
  return yaml().stringify(copy);
}
