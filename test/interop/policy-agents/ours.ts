// Berth's side of the trial: `agent unix|grpc|reverse WHERE`, `client unix|unix-json|grpc|reverse WHERE`. See run.sh.
import { once } from 'node:events';
import { BerthError } from '@berth/errors';
import { silentLog } from '@berth/observability';
import { type AgentLink, dialGrpc, dialUnix, listenForAgents, type ProxyHello } from '@berth/policy-agents';
import { startTrialAgent } from './our-agent.ts';
import { findings } from './our-client.ts';

const [side = '', kind = '', place = ''] = process.argv.slice(2);
const token = process.env['TOKEN'] ?? '';
const hello: ProxyHello = { proxyId: 'berth', proxyVersion: '0.1.0' };

async function reverse(): Promise<AgentLink> {
  const accepted = Promise.withResolvers<AgentLink>();
  await listenForAgents({
    address: { path: place },
    hello,
    admit: ({ token: shown }) =>
      shown === token ? undefined : new BerthError('BERTH_AGENT_NOT_ALLOWED', 'wrong token'),
    taken: (one) => accepted.resolve(one),
    log: silentLog,
  });
  return accepted.promise;
}

function link(signal: AbortSignal): Promise<AgentLink> {
  const patience = { hello, timeoutMs: 5000, signal };
  if (kind === 'reverse') return reverse();
  if (kind === 'grpc') return dialGrpc({ target: place, ...patience });
  return dialUnix({ path: place, encodings: kind === 'unix-json' ? ['json'] : ['msgpack', 'json'], ...patience });
}

if (side === 'agent') {
  const reversed = kind === 'reverse';
  const where = reversed ? { connect: `unix:${place}`, token } : { listen: kind === 'grpc' ? place : `unix:${place}` };
  await using agent = await startTrialAgent(where);
  console.log(`     listening ${agent.addresses.join(', ')}`);
  await once(process, 'SIGTERM');
} else {
  const found = await findings(link);
  for (const { what, wrong } of found) {
    console.log(wrong === undefined ? `ok   ${what}` : `FAIL ${what}: ${JSON.stringify(wrong)}`);
  }
  // What listened for agents goes with the program.
  process.exit(found.some(({ wrong }) => wrong !== undefined) ? 1 : 0);
}
