import { AgentConfig } from './agent-config.js';
import { Draft } from './build-settings.js';
import { crossCheckAgent, crossCheckGateway, type Report } from './cross-checks.js';
import { GatewayConfig } from './gateway-config.js';
import type { AgentSettings, GatewaySettings } from './gateway-settings.js';
import type { Environment } from './env-layer.js';
import type { Problems, RawValue } from './problems.js';
import { normaliseProxy, proxyLayer } from './proxy.js';
import { AGENT_SCHEMA, GATEWAY_SCHEMA, type Schema } from './setting-list.js';
import { normaliseTarget } from './target.js';
import { readTokenFile } from './token-file.js';
import { frozenCopy, getAt } from './tree.js';

/** Values of all layers, the strongest last, and what was wrong with the layers themselves. */
export interface Layers {
  readonly values: readonly RawValue[];
  /** base of relative file paths */
  readonly cwd: string;
  readonly problems: Problems;
}

/** What the common loader has to know about one program. */
export interface Program<T extends object> {
  readonly schema: Schema;
  /** what the environment says to all programs; weaker than any other place */
  readonly ambient?: (env: Environment, values: readonly RawValue[]) => RawValue[];
  /** @throws BerthError `BERTH_CONFIG_INVALID` with everything that is wrong */
  readonly finish: (layers: Layers) => T;
}

export const GATEWAY: Program<GatewaySettings> = {
  schema: GATEWAY_SCHEMA,
  finish: ({ values, cwd, problems }) => {
    const draft = new Draft(new GatewayConfig(), GATEWAY_SCHEMA.settings, values, cwd, problems);
    draft.root.auth.token = resolveToken(draft, 'auth.token', 'auth.tokenFile');
    draft.root.admin.token = resolveToken(draft, 'admin.token', 'admin.tokenFile');
    draft.validate();
    crossCheckGateway(draft.root, reportTo(draft));
    problems.throwIfAny();
    return frozenCopy(draft.root);
  },
};

export const AGENT: Program<AgentSettings> = {
  schema: AGENT_SCHEMA,
  ambient: (env, values) => {
    const gateway = values.findLast(({ path }) => path === 'gateway')?.value ?? new AgentConfig().gateway;
    return typeof gateway === 'string' ? proxyLayer(env, gateway) : [];
  },
  finish: ({ values, cwd, problems }) => {
    const draft = new Draft(new AgentConfig(), AGENT_SCHEMA.settings, values, cwd, problems);
    const { root } = draft;
    root.token = resolveToken(draft, 'token', 'tokenFile');
    const { tls } = root;
    // Whoever names a certificate wants TLS; only an explicit `false` is stronger.
    if (!draft.isGiven('tls.enabled'))
      tls.enabled = [tls.caFile, tls.certFile, tls.keyFile].some((file) => file !== '');
    draft.validate();
    crossCheckAgent(root, reportTo(draft));
    problems.throwIfAny();
    root.target = normaliseTarget(root.target) ?? root.target;
    root.proxy = normaliseProxy(root.proxy) ?? root.proxy;
    return frozenCopy(root);
  },
};

/** The secret itself, from its file when one is named. */
function resolveToken(draft: Draft<object>, tokenPath: string, filePath: string): string {
  const token = getAt(draft.root, tokenPath);
  const file = getAt(draft.root, filePath);
  // Anything but text is left for the rules of the class to report.
  if (typeof file !== 'string' || file === '') return token as string;
  if (token !== '') {
    draft.complain(tokenPath, `is given beside ${filePath}; give one of them`);
    return '';
  }
  const reading = readTokenFile(file);
  if ('problem' in reading) {
    draft.complain(filePath, reading.problem);
    return '';
  }
  return reading.token;
}

/** A rule between settings is silent where one of them is already known to be wrong. */
function reportTo(draft: Draft<object>): Report {
  return (path, what, ...others) => {
    if (![path, ...others].some((one) => draft.problems.has(one))) draft.complain(path, what);
  };
}
