import { BerthError, messageOf } from '@berth/errors';
import type {
  AgentCapabilities,
  AgentHost,
  AgentServer,
  ConfigUpdateReply,
  LoadFigures,
  LogReport,
  ProxyLink,
  RuleDefinition,
} from '@berth/policy-agents';
import { capabilitiesOf } from './agent-capabilities.js';
import { Configuration } from './configuration.js';
import { ExchangeBound } from './exchange.js';
import { type Bench, ConnectionJudge } from './judge.js';
import { LoadMeter } from './load-meter.js';
import { Notes } from './notes.js';
import type { PolicyAgentOptions } from './options.js';
import { type Place, placesOf } from './places.js';
import { type Health, Reports } from './reports.js';
import { ReverseDialler } from './reverse-dialler.js';
import { Session } from './session.js';
import { remembers, type Settings, settingsOf } from './settings.js';
import { networkTransports, type Transports } from './transports.js';
import { Workplace } from './workplace.js';

/** For exchanges under way when the agent closes. */
const DRAIN_MS = 5000;
const SWEEP_MS = 30_000;

const now = (): number => performance.now();

/** A running policy agent. */
export class PolicyAgent implements AsyncDisposable, AgentHost {
  readonly #settings: Settings<never>;
  readonly #sessions = new Set<Session>();
  readonly #servers: AgentServer[] = [];
  readonly #diallers: { dialler: ReverseDialler; done: Promise<void> }[] = [];
  readonly #load = new LoadMeter();
  readonly #notes: Notes;
  readonly #workplace: Workplace;
  readonly #bench: Bench<never>;
  /** of what comes in calls of their own */
  readonly #calls: ConnectionJudge<never>;
  readonly #configuration: Configuration;
  readonly #reports: Reports;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #capabilities: AgentCapabilities;
  #paused = false;
  #crowded = false;
  #closing: Promise<void> | undefined;

  /** Use {@link startPolicyAgent}. */
  constructor(settings: Settings<never>) {
    this.#settings = settings;
    this.#notes = new Notes(settings.log, now);
    this.#workplace = new Workplace(settings.concurrency, settings.maxWaiting, (crowded) => {
      this.#changeFlow(() => (this.#crowded = crowded));
    });
    const bound = new ExchangeBound(settings.maxExchanges);
    this.#bench = { settings, workplace: this.#workplace, load: this.#load, notes: this.#notes, bound, now };
    this.#calls = new ConnectionJudge(this.#bench);
    this.#configuration = new Configuration(settings, this.#workplace);
    this.#reports = new Reports(settings, this.#sessions, this.#load, this.#workplace);
    this.#capabilities = capabilitiesOf(settings);
  }

  /** Where it listens, such as `127.0.0.1:50051` with the port that was taken. */
  get addresses(): readonly string[] {
    return this.#servers.map(({ address }) => address);
  }

  /** Connections of gateways that are open. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** What it has done since its start. */
  get load(): LoadFigures {
    return this.#load.figures(this.#workplace);
  }

  /** Tells the gateways how the agent is; they avoid one that is not well. */
  setHealth(health: Health): void {
    this.#reports.health = health;
    this.#reports.sendHealth();
  }

  /** Asks the gateways to send nothing new until {@link resume}. */
  pause(): void {
    this.#changeFlow(() => (this.#paused = true));
  }

  resume(): void {
    this.#changeFlow(() => (this.#paused = false));
  }

  /** A line for the logs of the gateways. @param fields more about it  @param exchangeId the exchange that it is about */
  log(
    level: LogReport['level'],
    message: string,
    fields: Readonly<Record<string, string>> = {},
    exchangeId?: string,
  ): void {
    this.#reports.log(level, message, fields, exchangeId);
  }

  /** Asks the gateways to read their configuration again. @returns their answers; those that say nothing in 5 s are left out */
  requestReload(): Promise<readonly ConfigUpdateReply[]> {
    return this.#reports.update({ kind: 'reload' });
  }

  /** Gives the gateways rules that they keep. */
  updateRules(
    ruleSet: string,
    rules: readonly RuleDefinition[],
    removeRules: readonly string[] = [],
  ): Promise<readonly ConfigUpdateReply[]> {
    return this.#reports.update({ kind: 'rules', ruleSet, rules, removeRules });
  }

  /** Changes a list that the gateways keep, such as of blocked addresses. */
  updateList(
    listId: string,
    add: readonly string[],
    remove: readonly string[] = [],
  ): Promise<readonly ConfigUpdateReply[]> {
    return this.#reports.update({ kind: 'list', listId, add, remove });
  }

  /** Says that the agent has to be restarted, and how long that may wait. */
  requestRestart(reason: string, gracePeriodMs = 0): Promise<readonly ConfigUpdateReply[]> {
    return this.#reports.update({ kind: 'restart', reason, gracePeriodMs });
  }

  /** Says that the configuration which the agent has is wrong. @param field where */
  reportConfigError(error: string, field?: string): Promise<readonly ConfigUpdateReply[]> {
    return this.#reports.update({ kind: 'error', error, field });
  }

  /**
   * Tells the gateways that the agent goes, waits up to 5 s for exchanges under
   * way, and closes all connections. Idempotent.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Of the transports. */
  capabilities(): AgentCapabilities {
    return this.#capabilities;
  }

  /** Of the transports. */
  linked(link: ProxyLink): Session {
    const isCall = link.isCall === true;
    const session = new Session(link, isCall ? this.#calls : new ConnectionJudge(this.#bench), {
      configure: (event) => this.#configuration.take(event),
      configReply: (reply) => this.#reports.reply(reply),
      ended: (one, error) => {
        if (!this.#sessions.delete(one)) return;
        if (this.#closing !== undefined || this.#has(link.hello.proxyId)) return;
        const why = error === undefined ? 'closed its connection' : `is lost: ${error.message}`;
        this.#notes.coming(`${nameOf(link)} ${why}`);
      },
    });
    if (isCall) return session;
    const { proxyId, configJson } = link.hello;
    if (!this.#has(proxyId)) this.#notes.coming(`${nameOf(link)} is connected by ${link.transport}`);
    this.#sessions.add(session);
    if (configJson !== undefined)
      session.message({ kind: 'configure', configJson, isInitial: true, timestampMs: Date.now() });
    if (this.#paused || this.#crowded) session.report(flow('pause'));
    // It came while the agent goes; nobody else would end it.
    if (this.#closing !== undefined) link.close();
    return session;
  }

  /** Of {@link startPolicyAgent}. @throws BerthError of an address that cannot be listened at */
  async start(listen: readonly Place[], connect: readonly Place[], transports: Transports): Promise<void> {
    const { tls, token, connections, reportIntervalMs } = this.#settings;
    const refused = (remote: string, thrown: unknown): void => {
      this.#notes.say('refused', `${remote} was not served: ${messageOf(thrown)}`);
    };
    for (const place of listen) this.#servers.push(await transports.listen(place, this, { tls, refused }));
    for (const place of connect) {
      const name = place.kind === 'unix' ? `unix:${place.path}` : `${place.host}:${place.port}`;
      for (let count = 0; count < connections; count += 1) {
        const dialler = new ReverseDialler(
          name,
          async (signal) => {
            const capabilities = this.#capabilities;
            return this.linked(await transports.dial(place, { capabilities, token, tls, signal }));
          },
          this.#notes,
          now,
        );
        this.#diallers.push({ dialler, done: dialler.run() });
      }
    }
    if (reportIntervalMs > 0) this.#timers.push(setInterval(() => this.#report(), reportIntervalMs));
    if (remembers(this.#settings)) {
      this.#timers.push(setInterval(() => this.#sweep(), Math.min(SWEEP_MS, this.#settings.exchangeIdleMs)));
    }
  }

  #has(proxyId: string): boolean {
    for (const { link } of this.#sessions) if (link.hello.proxyId === proxyId) return true;
    return false;
  }

  #report(): void {
    if (this.#sessions.size === 0) return;
    this.#reports.sendHealth();
    try {
      this.#reports.sendMetrics();
    } catch (thrown) {
      this.#notes.failed('metrics', thrown);
    }
  }

  #sweep(): void {
    for (const session of this.#sessions) session.sweep();
    this.#calls.sweep();
  }

  /** Connections are paused while the program wants it, or too much waits. */
  #changeFlow(change: () => void): void {
    const before = this.#paused || this.#crowded;
    change();
    const after = this.#paused || this.#crowded;
    if (after === before) return;
    for (const session of this.#sessions) session.report(flow(after ? 'pause' : 'resume'));
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const { dialler } of this.#diallers) dialler.stop();
    this.setHealth({ state: 'draining' });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)));
    await Promise.race([this.#bench.bound.idle(), late]);
    clearTimeout(timer);
    await Promise.all(this.#servers.map((server) => server.close()));
    this.#calls.lose();
    for (const session of [...this.#sessions]) session.link.close();
    this.#reports.end();
    await Promise.all(this.#diallers.map(({ done }) => done));
  }
}

function flow(action: 'pause' | 'resume'): { kind: 'flow'; action: 'pause' | 'resume'; timestampMs: number } {
  return { kind: 'flow', action, timestampMs: Date.now() };
}

/** Of a gateway, for a line; it may be a stranger's. */
function nameOf({ hello: { proxyId, proxyVersion } }: ProxyLink): string {
  return `gateway ${JSON.stringify(`${proxyId} ${proxyVersion}`.slice(0, 100))}`;
}

/**
 * Starts a policy agent. What it is shown follows from the handlers that it has.
 *
 * @throws BerthError `BERTH_BAD_REQUEST` of an option that is wrong, `BERTH_SERVER_START_FAILED` of an address that
 *   cannot be listened at. Gateways that cannot be dialled are tried again, and said in the log.
 */
export async function startPolicyAgent<State = Record<string, unknown>>(
  options: PolicyAgentOptions<State>,
  transports: Transports = networkTransports,
): Promise<PolicyAgent> {
  const settings = settingsOf(options);
  const listen = placesOf('listen', options.listen, options.tls);
  const connect = placesOf('connect', options.connect, options.tls);
  if (listen.length + connect.length === 0) {
    throw new BerthError(
      'BERTH_BAD_REQUEST',
      'listen or connect is missing: where gateways find the agent (unix:/run/x.sock, 127.0.0.1:50051), or the gateways that it dials (tcp://gateway:9191)',
    );
  }
  const agent = new PolicyAgent(settings as Settings<never>);
  try {
    await agent.start(listen, connect, transports);
  } catch (thrown) {
    await agent.close();
    throw thrown;
  }
  return agent;
}
