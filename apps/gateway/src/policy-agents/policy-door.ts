import { resolve } from 'node:path';
import { type FileWatch, type Frozen, readPemFiles, watchFiles } from '@berth/config';
import { BerthError, messageOf } from '@berth/errors';
import { IdPatterns } from '@berth/exchange';
import type { Log } from '@berth/observability';
import {
  admission,
  type AgentLink,
  listenForAgents,
  type Registration,
  type ReverseListener,
} from '@berth/policy-agents';
import { VERSION } from '../version.js';
import { REVERSE } from './agent-checks.js';
import { expectedIds } from './agent-schema.js';
import type { ConfiguredAgent } from './configured-agent.js';
import { PROXY_ID } from './make-agent.js';
import type { PolicyAgents } from './policy-agents.js';
import type { PolicyListenerSettings } from './policy-agents.settings.js';

const TLS_NAMES = {
  caFile: 'policyListener.tls.caFile',
  certFile: 'policyListener.tls.certFile',
  keyFile: 'policyListener.tls.keyFile',
};

/** Where policy agents dial that the gateway does not (checklist C17). */
export class PolicyDoor {
  private listener: ReverseListener | undefined;
  private watch: FileWatch | undefined;

  constructor(
    private readonly settings: Frozen<PolicyListenerSettings>,
    private readonly agents: PolicyAgents,
    private readonly log: Log,
  ) {}

  /** Where it listens, such as `unix:/run/berth.sock`; empty: nowhere. */
  get address(): string {
    return this.listener?.address ?? '';
  }

  /**
   * Listens, where the settings say so.
   *
   * @throws BerthError `BERTH_SERVER_START_FAILED`, `BERTH_CONFIG_INVALID`, naming the setting
   */
  async open(): Promise<void> {
    const { handshakeTimeoutMs, host, maxUnregistered, maxUnregisteredPerAddress, path, port } = this.settings;
    if (path === '' && port === 0) return;
    const tls = this.tls();
    try {
      this.listener = await listenForAgents({
        address: path === '' ? { host, port } : { path },
        tls,
        hello: { proxyId: PROXY_ID, proxyVersion: VERSION },
        admit: (registration) => this.judge(registration),
        taken: (link, registration) => {
          this.take(link, registration);
        },
        log: this.log,
        ...{ handshakeTimeoutMs, maxPending: maxUnregistered, maxPendingPerAddress: maxUnregisteredPerAddress },
      });
    } catch (thrown) {
      const [setting, where] = path === '' ? ['port', `${host} port ${port}`] : ['path', path];
      const what = `policyListener.${setting}: cannot listen on ${where}: ${messageOf(thrown)}`;
      throw new BerthError('BERTH_SERVER_START_FAILED', what, { cause: thrown });
    }
    if (tls !== undefined) {
      const { caFile, certFile, keyFile } = this.settings.tls;
      const files = [caFile, certFile, keyFile].filter((file) => file !== '').map((file) => resolve(file));
      this.watch = watchFiles(files, () => this.renew());
    }
    this.log.info({ address: this.address, tls: tls !== undefined }, 'policy agents can dial in');
  }

  async close(): Promise<void> {
    this.watch?.close();
    await this.listener?.close();
  }

  private renew(): void {
    try {
      const tls = this.tls();
      if (tls !== undefined) this.listener?.renew(tls);
      this.log.info({ address: this.address }, 'the certificate for policy agents that dial was read again');
    } catch (thrown) {
      const reason = messageOf(thrown);
      this.log.error({ reason }, 'the certificate for policy agents that dial was not changed: a file cannot be used');
    }
  }

  private judge(registration: Registration): BerthError | undefined {
    const expected = this.expected();
    const owner = new IdPatterns(expected.map(({ agent, pattern }) => [pattern, agent] as const));
    return admission({
      agents: expected.map(({ agent, pattern }) => [pattern, agent.settings?.token || undefined] as const),
      maxConnections: this.settings.maxConnectionsPerAgent,
      connections: (id) => owner.find(id)?.agent?.figures().connections.length ?? 0,
    })(registration);
  }

  private take(link: AgentLink, { agentId }: Registration): void {
    const owner = new IdPatterns(this.expected().map(({ agent, pattern }) => [pattern, agent] as const));
    const refused = owner.find(agentId)?.add(link) ?? undefined;
    if (refused === undefined) return;
    // It was replaced or taken out in between; the agent dials again.
    link.close(new BerthError('BERTH_POLICY_UNAVAILABLE', refused));
  }

  /** Ids with which agents may register, of those that dial. */
  private expected(): { readonly pattern: string; readonly agent: ConfiguredAgent }[] {
    const dialling = this.agents.list().filter(({ settings }) => settings?.address === REVERSE);
    return dialling.flatMap((agent) => {
      const ids = agent.settings ? expectedIds(agent.name, agent.settings) : [];
      return ids.map((pattern) => ({ pattern, agent }));
    });
  }

  private tls() {
    const { tls } = this.settings;
    if (tls.certFile === '') return undefined;
    const { ca, cert, key } = readPemFiles(tls, TLS_NAMES);
    if (cert === null || key === null) return undefined;
    return { cert, key, ...(ca !== null && { ca }) };
  }
}
