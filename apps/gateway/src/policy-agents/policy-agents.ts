import { BerthError, messageOf } from '@berth/errors';
import type { AgentRecord, AgentRecords } from './agent-records.js';
import { type AgentPart, agentOf, type AgentSettings, expectedIds, idTaken, patched } from './agent-schema.js';
import { type AgentSurroundings, ConfiguredAgent } from './configured-agent.js';
import { HeldBytes } from './exchange/index.js';
import type { PolicyAgentsSettings } from './policy-agents.settings.js';

/** What else has to be true of an agent, such as that there is a listener for it; one line, or nothing. */
export type FitsHere = (name: string, settings: AgentSettings) => string | undefined;

/** Agents that can be made by requests: each costs connections. */
const MAX_AGENTS = 256;

/** All policy agents by their names: from the settings, with what operators have changed over them. */
export class PolicyAgents {
  /** bytes that exchanges hold for all of them */
  readonly held: HeldBytes;
  private readonly agents = new Map<string, ConfiguredAgent>();
  /** names without an agent, for as long as a port holds on to them */
  private readonly vacant = new Map<string, WeakRef<ConfiguredAgent>>();
  private readonly released = new FinalizationRegistry<string>((name) => {
    if (this.vacant.get(name)?.deref() === undefined) this.vacant.delete(name);
  });
  private closed = false;
  /** the last change that was asked for */
  private changing: Promise<void> = Promise.resolve();

  constructor(
    private settings: Readonly<PolicyAgentsSettings>,
    private readonly records: AgentRecords,
    private readonly around: AgentSurroundings,
    private readonly fitsHere: FitsHere,
    maxTotalHeldBytes: number,
  ) {
    this.held = new HeldBytes(maxTotalHeldBytes);
  }

  /** Begins to reach all of them; waits for none. */
  start(): void {
    for (const name of new Set([...Object.keys(this.settings), ...this.records.names])) this.refresh(name);
  }

  /** Those that there are, in the order of their names. */
  list(): ConfiguredAgent[] {
    return [...this.agents.values()]
      .filter(({ settings }) => settings !== undefined)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  has(name: string): boolean {
    return this.agents.get(name)?.settings !== undefined;
  }

  /** @throws BerthError `BERTH_NOT_FOUND` */
  get(name: string): ConfiguredAgent {
    const agent = this.agents.get(name);
    if (agent?.settings === undefined) throw new BerthError('BERTH_NOT_FOUND', `Policy agent ${name} not found`);
    return agent;
  }

  /** For ports: also when there is none of the name, now or yet. */
  judge(name: string): ConfiguredAgent {
    return (
      this.agents.get(name) ?? this.vacant.get(name)?.deref() ?? this.vacate(new ConfiguredAgent(name, this.around))
    );
  }

  /** Where an agent is from, for people. */
  sourceOf(name: string): string {
    const record = this.records.get(name);
    if (record === undefined) return `policyAgents.${name}`;
    return `${record.whole ? 'PUT' : 'PATCH'} /policy-agents/${name}`;
  }

  /** @throws BerthError `BERTH_CONFIG_INVALID`, `BERTH_STATE_UNUSABLE`, `BERTH_TOO_MANY_AGENTS`: nothing has changed */
  put(name: string, part: AgentPart): Promise<void> {
    return this.inTurn(async () => {
      if (!this.has(name) && this.list().length >= MAX_AGENTS)
        throw new BerthError('BERTH_TOO_MANY_AGENTS', `there are ${MAX_AGENTS} policy agents`);
      await this.change(name, { whole: true, part });
    });
  }

  /**
   * @param change null in place of a setting takes back what was said so before
   * @throws BerthError as {@link put}, and `BERTH_NOT_FOUND`
   */
  patch(name: string, change: AgentPart): Promise<void> {
    return this.inTurn(async () => {
      this.get(name);
      const { part, whole } = this.records.get(name) ?? { part: {}, whole: false };
      const next = patched(part, change);
      await this.change(name, whole || Object.keys(next).length > 0 ? { whole, part: next } : undefined);
    });
  }

  /**
   * Takes back what was said by requests.
   *
   * @throws BerthError `BERTH_NOT_FOUND` when nothing was, `BERTH_STATE_UNUSABLE`
   */
  takeBack(name: string): Promise<void> {
    return this.inTurn(async () => {
      if (this.records.get(name) === undefined) {
        this.get(name);
        const what = `policy agent ${name} is as the settings say: take it out of policyAgents there`;
        throw new BerthError('BERTH_NOT_FOUND', what);
      }
      await this.change(name, undefined);
    });
  }

  /** Takes up changed settings. @param settings checked */
  replaceSettings(settings: Readonly<PolicyAgentsSettings>): void {
    const names = new Set([...Object.keys(this.settings), ...Object.keys(settings)]);
    this.settings = settings;
    for (const name of names) this.refresh(name);
  }

  /** Ends all; exchanges under way have the time that is set for each. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.agents.values()].map((agent) => agent.close()));
  }

  /** Each change builds on the one before, which is written meanwhile. */
  private inTurn(act: () => Promise<void>): Promise<void> {
    const done = this.changing.then(act);
    this.changing = done.catch(() => undefined);
    return done;
  }

  private async change(name: string, record: AgentRecord | undefined): Promise<void> {
    // Judged before it is kept.
    const part = this.partOf(name, record);
    const settings = part && this.judged(name, part);
    if (record !== undefined && settings !== undefined) this.checkIds(name, settings);
    await this.records.set(name, record);
    this.around.log.info({ policyAgent: name, source: this.sourceOf(name) }, 'a policy agent was changed');
    this.refresh(name);
  }

  private refresh(name: string): void {
    if (this.closed) return;
    const part = this.partOf(name, this.records.get(name));
    try {
      this.place(this.judge(name), part === undefined ? undefined : this.judged(name, part));
    } catch (thrown) {
      // Records of before may not fit to settings of now.
      this.place(this.judge(name), undefined);
      const fields = { policyAgent: name, source: this.sourceOf(name), reason: messageOf(thrown) };
      this.around.log.error(fields, 'a policy agent cannot be used: it is as if it were not there');
    }
  }

  private place(agent: ConfiguredAgent, settings: AgentSettings | undefined): void {
    agent.set(settings);
    if (settings !== undefined) this.agents.set(agent.name, agent);
    else
      void agent.left().then(() => {
        if (this.agents.get(agent.name) !== agent || agent.settings !== undefined || this.closed) return;
        this.agents.delete(agent.name);
        this.vacate(agent);
      });
  }

  /** Nobody but ports holds on to it from now on. */
  private vacate(agent: ConfiguredAgent): ConfiguredAgent {
    this.vacant.set(agent.name, new WeakRef(agent));
    this.released.register(agent, agent.name);
    return agent;
  }

  private partOf(name: string, record: AgentRecord | undefined): AgentPart | undefined {
    const said = Object.hasOwn(this.settings, name) ? this.settings[name] : undefined;
    if (record === undefined) return said;
    return record.whole ? record.part : patched(said ?? {}, record.part);
  }

  /** @throws BerthError when another agent expects the same id */
  private checkIds(name: string, settings: AgentSettings): void {
    const ids = new Set(expectedIds(name, settings));
    if (ids.size === 0) return;
    for (const other of this.list()) {
      if (other.name === name || other.settings === undefined) continue;
      const id = expectedIds(other.name, other.settings).find((one) => ids.has(one));
      if (id !== undefined) throw new BerthError('BERTH_CONFIG_INVALID', idTaken(id, other.name));
    }
  }

  private judged(name: string, part: AgentPart): AgentSettings {
    const settings = agentOf(part);
    const wrong = this.fitsHere(name, settings);
    if (wrong !== undefined) throw new BerthError('BERTH_CONFIG_INVALID', wrong);
    return settings;
  }
}
