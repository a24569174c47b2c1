import { Choice, File, Group, Integer, List, MAX_MS, Switch, Text, Tree } from '@berth/config';
import {
  checkAddress,
  checkConfig,
  checkIds,
  checkMediaTypes,
  checkMethods,
  checkPaths,
  checkUpdateKinds,
} from './agent-checks.js';

const MAX_COUNT = 1_000_000;

/** Of `grpcs://`. */
class AgentTls {
  @File({
    description:
      'Certificates of authorities that the agent’s one is checked with, in PEM form; empty: those of the system.',
  })
  caFile = '';

  @File({ description: 'Certificate chain that the gateway shows; empty: none.' })
  certFile = '';

  @File({ description: 'Private key of that certificate.' })
  keyFile = '';

  @Text({ description: 'Name that the agent’s certificate must be for; empty: the host of the address.' })
  serverName = '';
}

/** What happens while the agent has paused all of its connections. */
class AgentFlow {
  @Choice(['failClosed', 'failOpen', 'waitAndRetry'], {
    description:
      'While the agent has paused: exchanges go by `whenUnavailable` at once, pass without it, or wait for `waitMs` first.',
  })
  mode: 'failClosed' | 'failOpen' | 'waitAndRetry' = 'failClosed';

  @Integer(1, MAX_MS, { description: 'For how long they wait.' })
  waitMs = 100;
}

/** When an agent that fails is asked no more. */
class AgentBreaker {
  @Integer(0, MAX_COUNT, {
    description:
      'Failures after which it is asked nothing for a while: in a row, or when they are half of what was asked in about 15 s; 0: always asked.',
  })
  failures = 5;

  @Integer(1, MAX_MS, {
    description: 'Time after which one question is a probe: when it is answered, all are asked again.',
  })
  openMs = 10_000;
}

/** Configurations for the agent while it runs. */
class AgentPush {
  @Integer(1, MAX_MS, { description: 'Time in which the agent must say what it makes of a configuration.' })
  ackTimeoutMs = 10_000;

  @Integer(1, 100, { description: 'How often a configuration is sent where its connection is lost meanwhile.' })
  tries = 3;

  @Integer(1, MAX_MS, { description: 'Least time between two of these tries.' })
  retryMs = 2000;

  @Integer(1, 1000, { description: 'Pushes that may be under way.' })
  maxPending = 100;

  @Integer(0, 1000, { description: 'Pushes that are over and still listed.' })
  history = 100;
}

/** What the agent may cost besides. */
class AgentLimitSettings {
  @Integer(0, 100_000, { description: 'Lines that the agent may write into the gateway’s log in a second; 0: none.' })
  maxLogsPerSecond = 10;

  @Integer(0, MAX_COUNT, { description: 'Series of its own that it may have in `GET /metrics`; 0: none.' })
  maxSeries = 10_000;

  @Integer(1, MAX_MS, { description: 'Time after which a series that it reports no more is dropped.' })
  seriesExpireMs = 300_000;

  @Integer(0, 1000, { description: 'Decisions that `GET /policy-agents/:name` shows.' })
  rememberedDecisions = 50;
}

/** One policy agent: how it is reached, what it is asked, and what happens when it cannot be. */
export class PolicyAgentConfig {
  @Text({
    check: checkAddress,
    description:
      'Needed. Where the agent is: `grpc://host:port` or `host:port`, `grpcs://host:port` with TLS, `unix:/path`, an absolute path or one that ends in `.sock`; `reverse`: it dials `policyListener`.',
  })
  address = '';

  @Group()
  tls = new AgentTls();

  @Text({ secret: true, description: 'What a `reverse` agent must show when it registers; empty: nothing.' })
  token = '';

  @File({ description: 'The same, from a file.' })
  tokenFile = '';

  @List({
    check: checkIds,
    description:
      'Ids with which `reverse` agents may register, exact or with `*` for any characters; none: the name itself.',
  })
  ids: string[] = [];

  @Choice(['open', 'closed'], {
    description:
      'What becomes of an exchange that the agent cannot be asked about, or answers wrongly: it passes (`open`), or is 503 `BERTH_POLICY_UNAVAILABLE`.',
  })
  whenUnavailable: 'open' | 'closed' = 'closed';

  @Integer(1, MAX_MS, {
    description: 'Time for an answer to one question. Health reports of the agent stretch it, fourfold at most.',
  })
  timeoutMs = 30_000;

  @List({
    check: checkPaths,
    description:
      'Paths that the agent is asked about, without the query: exact or with `*` for any characters, such as `/admin/*`; none: all. A path counts as it was sent and as services read it (`%2F`, `//`, `..`).',
  })
  paths: string[] = [];

  @List({ check: checkMethods, description: 'Methods that it is asked about; none: all.' })
  methods: string[] = [];

  @List({
    check: checkMediaTypes,
    description: 'Media types of the bodies that it sees, exact or such as `text/*`; none: all.',
  })
  contentTypes: string[] = [];

  @Choice(['roundRobin', 'leastInFlight', 'leastLoaded', 'healthBased', 'random'], {
    description: 'Which of its connections takes an exchange.',
  })
  strategy: 'roundRobin' | 'leastInFlight' | 'leastLoaded' | 'healthBased' | 'random' = 'roundRobin';

  @Integer(1, 64, { description: 'Connections that the gateway dials.' })
  connections = 4;

  @Integer(1, MAX_MS, { description: 'Time for a connection and its handshake.' })
  connectTimeoutMs = 5000;

  @Integer(1, MAX_COUNT, { description: 'Questions at once on one connection; the agent’s own limits count as well.' })
  maxInFlightPerConnection = 100;

  @Integer(0, MAX_COUNT, {
    description: 'Exchanges that may wait for room on a connection; further ones go by `whenUnavailable`.',
  })
  maxWaiting = 1000;

  @Switch({
    description: 'Each question is a call of its own (`ProcessEvent`) instead of a message in a stream; only gRPC.',
  })
  unary = false;

  @Group()
  flow = new AgentFlow();

  @Group()
  breaker = new AgentBreaker();

  @Integer(1, MAX_MS, { description: 'Time between two pings of a connection.' })
  pingIntervalMs = 10_000;

  @Integer(0, MAX_MS, {
    description: 'When the agent is replaced or taken out, and when the gateway ends: time for what is under way.',
  })
  drainMs = 30_000;

  @Tree({
    secret: true,
    check: checkConfig,
    description:
      'Configuration that the agent is given when it connects; what may stand in it is the agent’s business.',
  })
  config: Record<string, unknown> = {};

  @List({
    check: checkUpdateKinds,
    description:
      'What the agent may ask of the gateway: `reload` of its configuration, `rules` and `list` that the gateway keeps for it. What is not named is refused; `restart` and `error` are noted in any case.',
  })
  acceptUpdates: string[] = [];

  @Group()
  push = new AgentPush();

  @Group()
  limits = new AgentLimitSettings();
}
