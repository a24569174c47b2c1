import type { AgentSettings, GatewaySettings } from './gateway-settings.js';
import { Problems } from './problems.js';
import { AGENT, GATEWAY, type Program } from './programs.js';
import { flattenTree } from './yaml-layer.js';

/** The same tree with every key optional; lists are given whole. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

/**
 * Frozen gateway settings without any file, environment or flag.
 *
 * @param overrides what differs from the defaults; a key that is `undefined` keeps its default
 * @throws BerthError `BERTH_CONFIG_INVALID`, as for settings that come from a file
 */
export function defaultGatewaySettings(overrides: DeepPartial<GatewaySettings> = {}): GatewaySettings {
  return fromOptions(GATEWAY, overrides);
}

/**
 * Frozen agent settings without any file, environment or flag.
 *
 * @param overrides target and id, and what differs from the defaults
 * @throws BerthError `BERTH_CONFIG_INVALID`, as for settings that come from a file
 */
export function defaultAgentSettings(
  overrides: DeepPartial<AgentSettings> & Pick<AgentSettings, 'target' | 'id'>,
): AgentSettings {
  return fromOptions(AGENT, overrides);
}

function fromOptions<T extends object>({ schema, finish }: Program<T>, overrides: object): T {
  const problems = new Problems();
  const values = flattenTree(overrides, 'options', schema.settings, problems);
  return finish({ values, cwd: process.cwd(), problems });
}
