import { isPort, type Report } from '@berth/config';
import { DEFAULT_SERVICE, isServiceName, SERVICE_NAME_RULE } from '@berth/exchange';
import { MAX_SERVICES } from '@berth/tunnel-protocol';
import { checkHostHeader, checkOriginUrl } from './forward/addressing.js';
import { type NamedTargets, targetsOf, type Wishes } from './service-offers.js';
import { checkTarget, kindOf, TARGET_FORMS } from './target.js';

/** The settings that speak of local services. */
export interface ServiceSettings extends NamedTargets, Wishes {
  readonly protocol: 'berth' | 'silo';
  readonly requiredServices: readonly string[];
  readonly hostHeaders: Readonly<Record<string, string>>;
  readonly originUrls: Readonly<Record<string, string>>;
  /** for all that have no value of their own */
  readonly local: { readonly hostHeader: string; readonly originUrl: string };
}

/** Names with a text each. */
export function checkTexts(value: Record<string, unknown>): string | undefined {
  for (const [name, text] of Object.entries(value)) {
    if (name === '') return 'a name is empty';
    if (typeof text !== 'string') return `"${name}" must be text (put it in quotes)`;
  }
  return undefined;
}

/** Names of local services with their targets. */
export function checkExpose(value: Record<string, unknown>): string | undefined {
  for (const [name, target] of Object.entries(value)) {
    if (!isServiceName(name)) return `"${name}" must be ${SERVICE_NAME_RULE}`;
    if (target === '') return `"${name}" has no target`;
    const wrong = typeof target === 'string' ? checkTarget(target) : 'must be text (put it in quotes)';
    if (wrong !== undefined) return `"${name}" ${wrong}`;
  }
  return undefined;
}

/** Names of local services with the ports that they wish for. */
export function checkPorts(value: Record<string, unknown>): string | undefined {
  for (const [name, port] of Object.entries(value)) {
    if (!isPort(port)) return `the port of "${name}" must be a whole number from 1 to 65535`;
  }
  return undefined;
}

/** Names of local services with paths. */
export function checkPaths(value: Record<string, unknown>): string | undefined {
  for (const [name, path] of Object.entries(value)) {
    if (typeof path !== 'string' || !/^\/[\x21-\x7e]{0,1023}$/.test(path)) {
      return `the path of "${name}" must begin with / and have no spaces`;
    }
  }
  return undefined;
}

/** Names of local services with a host each. */
export function checkHostHeaders(value: Record<string, unknown>): string | undefined {
  return checkEach(value, checkHostHeader);
}

/** Names of local services with a URL each. */
export function checkOriginUrls(value: Record<string, unknown>): string | undefined {
  return checkEach(value, checkOriginUrl);
}

function checkEach(value: Record<string, unknown>, check: (text: string) => string | undefined): string | undefined {
  for (const [name, text] of Object.entries(value)) {
    const wrong = typeof text === 'string' ? check(text) : 'must be text (put it in quotes)';
    if (wrong !== undefined) return `that of "${name}" ${wrong}`;
  }
  return undefined;
}

/** Settings that speak of local services must speak of those that there are. */
export function checkServices(settings: ServiceSettings, report: Report): void {
  const {
    expose,
    healthPaths,
    hostHeaders,
    local,
    loopbackServices,
    originUrls,
    ports,
    protocol,
    requiredServices,
    target,
  } = settings;
  const names = targetsOf(settings).map(([name]) => name);
  if (names.length === 0) {
    report(
      'target',
      `is missing: ${TARGET_FORMS}; as the first argument, as AGENT_TARGET or as target in the file; or name several with expose`,
      'config',
    );
    return;
  }
  if (names.length > MAX_SERVICES) report('expose', `an agent may have ${MAX_SERVICES} local services`);
  if (target !== '' && expose[DEFAULT_SERVICE] !== undefined) {
    report('expose', `"${DEFAULT_SERVICE}" is the one that target names`, 'target');
  }
  if (protocol === 'silo' && (Object.keys(expose).length > 0 || isRaw(target))) {
    report('expose', 'is not possible with protocol silo, which carries one HTTP service', 'protocol');
  }
  const lists = {
    ports: Object.keys(ports),
    requiredServices,
    loopbackServices,
    healthPaths: Object.keys(healthPaths),
    hostHeaders: Object.keys(hostHeaders),
    originUrls: Object.keys(originUrls),
  };
  for (const [setting, its] of Object.entries(lists)) {
    const unknown = [its].flat().find((name) => !names.includes(name));
    if (unknown !== undefined) report(setting, `names "${unknown}", but there is only ${names.join(', ')}`);
  }
  const raw = targetsOf(settings).flatMap(([name, its]) => (isRaw(its) ? [name] : []));
  const forHttp = [
    ['healthPaths', healthPaths, 'paths'],
    ['hostHeaders', hostHeaders, 'Host'],
    ['originUrls', originUrls, 'redirects'],
  ] as const;
  for (const [setting, its, what] of forHttp) {
    const name = raw.find((each) => its[each] !== undefined);
    if (name !== undefined) report(setting, `names "${name}", which is raw TCP and has no ${what}`);
  }
  if (raw.length < names.length) return;
  const cannot = 'has no effect where every local service is raw TCP';
  if (local.hostHeader !== 'keep') report('local.hostHeader', cannot, 'target', 'expose');
  if (local.originUrl !== '') report('local.originUrl', cannot, 'target', 'expose');
}

/** What is no text has been reported already. */
const isRaw = (target: unknown): boolean => typeof target === 'string' && kindOf(target) === 'tcp';
