/** `npm start`: a gateway, an agent and a sample service on this machine, on the default ports. */
import { fileURLToPath } from 'node:url';
import { Child, describeEnding } from './child.js';
import { agentPort, gatewayReady, requireFree } from './ready.js';

const ADMIN_PORT = 8080;
const GRPC_PORT = 9090;
const ADMIN = `http://127.0.0.1:${ADMIN_PORT}`;
const AGENT_ID = 'my-laptop';
/** A little more than the gateway gives itself. */
const STOP_TIMEOUT_MS = 12_000;
/** One Ctrl-C can arrive twice, from the terminal and through npm. */
const SAME_KEYSTROKE_MS = 300;

const verbose = process.argv.includes('--verbose');
const children: Child[] = [];
const stopping = new AbortController();
/** Set once: later endings of children are our own doing. */
let exitCode: number | undefined;
let stoppingSince = 0;

function start(name: string, script: string, args: readonly string[], env: Record<string, string> = {}): Child {
  const child = new Child(name, fileURLToPath(new URL(script, import.meta.url)), args, env);
  children.push(child);
  void child.ended.then((ending) => {
    if (exitCode !== undefined) return;
    console.error(`\nThe ${name} ${describeEnding(ending)}. Its last lines:\n`);
    console.error(child.lastLines.map((line) => `  ${line}`).join('\n') || '  (it said nothing)');
    void stop(1);
  });
  return child;
}

/** Ends the children, the service last so that requests under way get their answers, and then this process. */
async function stop(code: number): Promise<void> {
  if (exitCode !== undefined) return;
  exitCode = code;
  stoppingSince = performance.now();
  stopping.abort();
  const late = setTimeout(killAll, STOP_TIMEOUT_MS);
  const [service, ...relay] = children;
  for (const child of relay) child.kill('SIGTERM');
  await Promise.all(relay.map(async (child) => await child.ended));
  service?.kill('SIGTERM');
  await service?.ended;
  clearTimeout(late);
  process.exit(code);
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (exitCode !== undefined) {
      if (performance.now() - stoppingSince > SAME_KEYSTROKE_MS) killAll();
      return;
    }
    console.log('\nEnding the agent, the gateway and the sample service; again to end them at once.');
    void stop(0);
  });
}
// Whatever ends this process, no child stays behind and holds the ports.
process.on('exit', killAll);

function printAddresses(port: number): void {
  const agent = `http://127.0.0.1:${port}`;
  const lines = [
    ['Sample page', `${agent}/`],
    ['Events', `curl -N ${agent}/clock`],
    ['What arrives', `curl ${agent}/headers`],
    ['Upload', `curl --data-binary @package-lock.json ${agent}/upload`],
    ['Admin API', `${ADMIN}/docs`],
    ['Agents', `curl ${ADMIN}/agents`],
  ] as const;
  const text = lines.map(([what, where]) => `  ${what.padEnd(14)}${where}`).join('\n');
  console.log(`\nBerth is up: agent ${AGENT_ID} has port ${port}.\n\n${text}\n\nCtrl-C ends everything.\n`);
}

try {
  // Else the agent goes to the gateway that is there, and what is printed is of that one.
  for (const port of [ADMIN_PORT, GRPC_PORT]) await requireFree(port);
  console.log('Starting the gateway, a sample service and an agent …');
  const sample = start('sample', '../sample-service/main.js', ['0']);
  // Said with flags: those win over a variable or a file that happens to be there. Nobody asks for a token, so agents
  // of other machines stay out.
  const ports = ['--http-port', String(ADMIN_PORT), '--grpc-port', String(GRPC_PORT), '--grpc-host', '127.0.0.1'];
  start('gateway', '../../../apps/gateway/dist/main.js', ports, verbose ? {} : { LOG_LEVEL: 'error' });
  const [service] = await Promise.all([sample.find(/(http:\/\/\S+)/), gatewayReady(ADMIN, stopping.signal)]);
  const args = [service, '--id', AGENT_ID, '--gateway', `127.0.0.1:${GRPC_PORT}`];
  start('agent', '../../../apps/agent/dist/main.js', args, verbose ? {} : { AGENT_LOG_LEVEL: 'warn' });
  printAddresses(await agentPort(ADMIN, AGENT_ID, stopping.signal));
} catch (error) {
  // While stopping, the reason has been said already.
  if (!stopping.signal.aborted) {
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    await stop(1);
  }
}
