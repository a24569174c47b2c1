import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Argument, program } from 'commander';
import { machine } from './lib/machine.js';
import { Processes } from './lib/processes.js';
import { root } from './lib/repository.js';
import { meets, type Figure, type Result, type Scenario } from './lib/scenario.js';
import { figureTable } from './lib/table.js';
import { bulk } from './scenarios/bulk.js';
import { fairShare } from './scenarios/fair-share.js';
import { grpc } from './scenarios/grpc.js';
import { https } from './scenarios/https.js';
import { idleAgents } from './scenarios/idle-agents.js';
import { longLink } from './scenarios/long-link.js';
import { memory } from './scenarios/memory.js';
import { ports } from './scenarios/ports.js';
import { accessLog } from './scenarios/access-log.js';
import { policyAgents } from './scenarios/policy-agents.js';
import { policyBodies } from './scenarios/policy-bodies.js';
import { policyFaults } from './scenarios/policy-faults.js';
import { portRules } from './scenarios/port-rules.js';
import { reload } from './scenarios/reload.js';
import { replicas } from './scenarios/replicas.js';
import { returning } from './scenarios/return.js';
import { brokerRestarts } from './scenarios/services-broker-restarts.js';
import { bus } from './scenarios/services-bus.js';
import { functionServer } from './scenarios/services-function-server.js';
import { objects } from './scenarios/services-objects.js';
import { selection } from './scenarios/selection.js';
import { smallRequests } from './scenarios/small-requests.js';
import { soak } from './scenarios/soak.js';
import { stalled } from './scenarios/stalled.js';
import { strangers } from './scenarios/strangers.js';
import { tcp } from './scenarios/tcp.js';
import { tracing } from './scenarios/tracing.js';

const SCENARIOS: readonly Scenario[] = [
  ...[
    smallRequests,
    https,
    grpc,
    accessLog,
    tracing,
    portRules,
    policyAgents,
    policyBodies,
    policyFaults,
    bulk,
    tcp,
    longLink,
    stalled,
    strangers,
    fairShare,
    idleAgents,
    ports,
    returning,
    reload,
    memory,
    selection,
    replicas,
  ],
  ...[functionServer, bus, objects, brokerRestarts, soak],
];

interface Options {
  readonly quick: boolean;
  readonly profile: boolean;
}

/** Those of the scenario that runs. */
let processes = new Processes();
const scratch = mkdtempSync(join(tmpdir(), 'berth-bench-'));
process.on('exit', () => {
  void processes.endAll();
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // What still ends would put files back into the scratch directory while it is removed.
  process.once(signal, () => void processes.endAll().then(() => process.exit(130)));
}

program
  .name('bench')
  .description(
    `Measures Berth on this machine.\n\n${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(16)}${about}`).join('\n')}`,
  )
  .addArgument(
    new Argument('[names...]', 'scenarios; by default all but soak').choices(SCENARIOS.map(({ name }) => name)),
  )
  .option('--quick', 'short runs, to see that everything works', false)
  .option('--profile', 'small-requests, grpc, bulk, function-server, bus: also where the time is spent', false)
  .action(main);
await program.parseAsync();

async function main(names: readonly string[], { quick, profile }: Options): Promise<void> {
  execFileSync(join(root, 'bench/setup.sh'), { stdio: 'inherit' });
  const figures: Figure[] = [];
  const broken: string[] = [];
  const chosen = SCENARIOS.filter(({ name, onlyByName }) =>
    names.length === 0 ? onlyByName !== true : names.includes(name),
  );
  for (const scenario of chosen) {
    console.log(`\n${scenario.name}: ${scenario.about}`);
    try {
      const result = await runOne(scenario, { quick, profile });
      figures.push(...result.figures);
      save(scenario, result, quick);
    } catch (error) {
      broken.push(scenario.name);
      console.error(`  failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(`\n${figureTable(figures)}\n`);
  if (quick) console.log('A quick run shows that the harness works; its numbers mean little.');
  const missed = figures.filter((figure) => meets(figure) === false).length;
  console.log(`${missed} of ${figures.filter(({ goal }) => goal).length} goals missed.`);
  if (broken.length > 0) console.log(`Without a result: ${broken.join(', ')}.`);
  process.exit(broken.length > 0 ? 1 : 0);
}

async function runOne(scenario: Scenario, { quick, profile }: Options): Promise<Result> {
  const directory = join(scratch, scenario.name);
  mkdirSync(directory);
  processes = new Processes();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    void processes.endAll();
    late.reject(new Error(`not done after ${scenario.limitMs / 60_000} minutes`));
  }, scenario.limitMs);
  const progress = (text: string): void => console.log(`  ${text}`);
  try {
    return await Promise.race([scenario.run({ processes, directory, quick, profile, progress }), late.promise]);
  } finally {
    clearTimeout(timer);
    await processes.stopAll();
  }
}

function save(scenario: Scenario, { figures, raw }: Result, quick: boolean): void {
  const directory = join(root, 'bench/results', quick ? 'quick' : '.');
  mkdirSync(directory, { recursive: true });
  const content = { scenario: scenario.name, at: new Date().toISOString(), machine: machine(), figures, raw };
  writeFileSync(join(directory, `${scenario.name}.json`), `${JSON.stringify(content, undefined, 2)}\n`);
}
