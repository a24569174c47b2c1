import { BlockList, isIP } from 'node:net';
import { allow, type Answer, block, type PolicyRequest } from 'berth-policy';

/** The first rule that fits decides; where none fits, the request is allowed. */
export interface Rule {
  /** for logs and audits */
  readonly id: string;
  readonly action: 'allow' | 'block';
  /** this path and all below it; none: every path */
  readonly paths?: readonly string[];
  readonly methods?: readonly string[];
  /** addresses and networks such as `10.0.0.0/8`; none: every client */
  readonly from?: readonly string[];
  /** of a block; default 403 */
  readonly status?: number;
}

const KEYS = new Set(['id', 'action', 'paths', 'methods', 'from', 'status']);

interface Matcher {
  readonly rule: Rule;
  readonly clients: BlockList | undefined;
  readonly refusal: Answer;
}

/** Rules about addresses and paths. */
export class Rules {
  readonly #matchers: readonly Matcher[];

  constructor(rules: readonly Rule[]) {
    this.#matchers = rules.map((rule) => ({
      rule,
      clients: rule.from && networks(rule),
      refusal: block(rule.status ?? 403, 'This request is not allowed here.\n', { audit: { ruleIds: [rule.id] } }),
    }));
  }

  get count(): number {
    return this.#matchers.length;
  }

  /** @param config `{ "rules": [ … ] }`  @throws Error that names the rule and what is wrong with it */
  static from(config: unknown): Rules {
    const rules: unknown =
      typeof config === 'object' && config !== null && 'rules' in config ? config.rules : undefined;
    if (!Array.isArray(rules)) throw new Error('the configuration must be { "rules": [ … ] }');
    return new Rules(rules.map((rule: unknown, at) => checked(rule, `rules[${at}]`)));
  }

  judge(request: PolicyRequest): Answer {
    const found = this.#matchers.find((matcher) => fits(matcher, request));
    if (found === undefined) return allow();
    return found.rule.action === 'block' ? found.refusal : allow({ audit: { ruleIds: [found.rule.id] } });
  }
}

function fits({ rule, clients }: Matcher, { paths, method, clientIp }: PolicyRequest): boolean {
  if (rule.methods !== undefined && !rule.methods.includes(method)) return false;
  if (rule.paths !== undefined) {
    const isMeant = (path: string): boolean => rule.paths?.some((prefix) => isBelow(path, prefix)) === true;
    // Of several ways to read a path one is enough to be kept out, and all are needed to be let in.
    if (!(rule.action === 'block' ? paths.some(isMeant) : paths.every(isMeant))) return false;
  }
  return clients === undefined || clients.check(clientIp, isIP(clientIp) === 6 ? 'ipv6' : 'ipv4');
}

function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return prefix.endsWith('/') || path.length === prefix.length || path[prefix.length] === '/';
}

function networks({ id, from = [] }: Rule): BlockList {
  const list = new BlockList();
  for (const network of from) {
    const [address = '', bits] = network.split('/');
    const version = isIP(address);
    const most = version === 6 ? 128 : 32;
    if (version === 0 || (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= most))) {
      throw new Error(`rule ${id}: ${JSON.stringify(network)} is no address and no network`);
    }
    list.addSubnet(address, Number(bits ?? most), version === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

function checked(rule: unknown, place: string): Rule {
  const wrong = (what: string): Error => new Error(`${place}: ${what}`);
  if (typeof rule !== 'object' || rule === null) throw wrong('a rule is an object');
  const unknown = Object.keys(rule).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw wrong(`there is no ${JSON.stringify(unknown)}; there are ${[...KEYS].join(', ')}`);
  const { id, action, paths, methods, from, status } = rule as Record<keyof Rule, unknown>;
  if (typeof id !== 'string' || id === '') throw wrong('id must be a text');
  if (action !== 'allow' && action !== 'block') throw wrong('action must be "allow" or "block"');
  for (const [key, list] of Object.entries({ paths, methods, from })) {
    const fine = list === undefined || (Array.isArray(list) && list.every((one) => typeof one === 'string'));
    if (!fine) throw wrong(`${key} must be a list of texts`);
  }
  if (Array.isArray(paths) && !paths.every((path: string) => path.startsWith('/'))) throw wrong('paths begin with /');
  if (status !== undefined && !(Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599)) {
    throw wrong('status must be from 400 to 599');
  }
  return rule as Rule;
}
