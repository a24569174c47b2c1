import { BerthError, messageOf } from '@berth/errors';
import { DEFAULT_SERVICE } from '@berth/exchange';
import { type LocalService, serviceKey } from '../agents/index.js';
import type { Log } from '@berth/observability';
import type { PolicyAgents } from '../policy-agents/index.js';
import { idleRules, lockout } from './lockout.js';
import { type EffectivePolicy, type PolicyLayer, PolicyLayers } from './policy-layers.js';
import { patched, type PolicyRecords } from './policy-records.js';
import { noSuchAgent } from './inspected.js';
import { entriesOf, type Policy, type PolicyEntry } from './policy-schema.js';
import type { PoliciesSettings } from './policy.settings.js';
import { httpOnly } from './rules/port-rules.js';

/** A port whose rules follow what is said of it. */
interface Follower {
  readonly service: LocalService;
  readonly apply: (policy: Policy) => void;
  /** `listen.host` when it opened */
  readonly openedAt: string;
  policy: Policy;
  /** the same as text, to see whether it has changed */
  text: string;
}

/** The rules of all ports: from the settings, with what operators have changed over them. */
export class PortPolicies {
  private layers: PolicyLayers;
  private readonly followers = new Set<Follower>();

  /** @param base rules of all ports that other settings give; the weakest */
  constructor(
    settings: Readonly<PoliciesSettings>,
    private readonly records: PolicyRecords,
    private readonly log: Log,
    readonly policyAgents: PolicyAgents,
    base: readonly PolicyLayer[] = [],
  ) {
    this.layers = new PolicyLayers(settings, base);
  }

  /** What holds for a local service of an agent, there or away. */
  effective(agentId: string, service: string): EffectivePolicy {
    return this.layers.effective(agentId, service, this.records.layersOf(agentId, service));
  }

  /** Address that the port of a service is to listen on; empty: that of all ports. */
  hostOf({ id, name }: LocalService): string {
    return this.effective(id, name).policy.listen.host;
  }

  /** Policy agents that a policy names and that there are not: what they should judge is refused. */
  missingAgents({ inspect }: Policy): string[] {
    return inspect.agents.filter((name) => !this.policyAgents.has(name));
  }

  /** Rules that wait until a port opens anew. */
  pending(agentId: string, service: string): string[] {
    const { host } = this.effective(agentId, service).policy.listen;
    const waits = [...this.followers].some(
      ({ openedAt, service: { id, name } }) => id === agentId && name === service && openedAt !== host,
    );
    return waits ? ['listen.host'] : [];
  }

  /**
   * Gives a port its rules, now and whenever they change.
   *
   * @param apply called at once, and for each change
   * @returns ends it
   */
  follow(service: LocalService, apply: (policy: Policy) => void): () => void {
    const { policy, sources } = this.effective(service.id, service.name);
    const follower = { service, apply, policy, text: JSON.stringify(policy), openedAt: policy.listen.host };
    this.followers.add(follower);
    const useless = service.kind === 'http' ? [] : httpOnly(sources.keys());
    // A rule for many agents may well be meant for their HTTP ports.
    const own = useless.filter((path) => /^(policies\."[^*]*"|PATCH .*)$/.test(sources.get(path) ?? ''));
    if (own.length > 0)
      this.log.warn({ agentId: service.key, rules: own }, 'rules for HTTP have no effect on a port for raw TCP');
    this.tellWhatIsOdd(service.key, policy);
    apply(policy);
    return () => {
      this.followers.delete(follower);
    };
  }

  /**
   * Changes rules of an agent, or of one of its services alone, at once; over restarts where `state.file` is set.
   *
   * @param change a part of a policy; null in place of a rule or group takes back what was set so before (RFC 7396)
   * @throws BerthError `BERTH_CONFIG_INVALID` with a line per problem, or `BERTH_STATE_UNUSABLE`: nothing has changed
   */
  async patch(agentId: string, service: string | undefined, change: unknown): Promise<void> {
    const entries = entriesOf(patched(this.records.of(agentId, service), change));
    this.checkAgents(entries);
    await this.records.set(agentId, service, entries);
    this.log.info(
      { agentId: serviceKey(agentId, service ?? DEFAULT_SERVICE), rules: entries.map(({ path }) => path) },
      'rules of a port were changed',
    );
    this.refresh((one) => one.id === agentId);
  }

  /** Takes up changed settings. @param settings checked @param base as in the constructor */
  replaceSettings(settings: Readonly<PoliciesSettings>, base: readonly PolicyLayer[] = []): void {
    this.layers = new PolicyLayers(settings, base);
    this.refresh(() => true);
  }

  /** Gives all ports their rules once more: they read settings besides, which have changed. */
  reapply(): void {
    for (const { service, apply, policy } of this.followers) {
      try {
        apply(policy);
      } catch (thrown) {
        this.log.error({ agentId: service.key, reason: messageOf(thrown) }, 'changed settings did not reach a port');
      }
    }
  }

  /** @throws BerthError `BERTH_CONFIG_INVALID` */
  private checkAgents(entries: readonly PolicyEntry[]): void {
    const names = (entries.find(({ path }) => path === 'inspect.agents')?.value ?? []) as readonly string[];
    const missing = names.find((name) => !this.policyAgents.has(name));
    if (missing === undefined) return;
    const known = this.policyAgents.list().map(({ name }) => name);
    throw new BerthError('BERTH_CONFIG_INVALID', `inspect.agents: ${noSuchAgent(missing, known)}`);
  }

  private refresh(isMeant: (service: LocalService) => boolean): void {
    for (const follower of this.followers) {
      const { service } = follower;
      if (!isMeant(service)) continue;
      const { policy } = this.effective(service.id, service.name);
      const text = JSON.stringify(policy);
      if (text === follower.text) continue;
      follower.text = text;
      follower.policy = policy;
      try {
        follower.apply(policy);
      } catch (thrown) {
        this.log.error({ agentId: service.key, reason: messageOf(thrown) }, 'rules of a port could not be taken up');
      }
      this.tellWhatIsOdd(service.key, policy);
    }
  }

  private tellWhatIsOdd(agentId: string, policy: Policy): void {
    const why = lockout(policy);
    if (why !== undefined) this.log.warn({ agentId }, `nobody can use a port: ${why}`);
    for (const idle of idleRules(policy)) this.log.warn({ agentId }, idle);
  }
}
