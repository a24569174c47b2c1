// Berth's side of the trial: `agent unix|grpc|reverse WHERE`, `client unix|unix-json|grpc|reverse WHERE`. See run.sh.
import { once } from 'node:events';
import { type AgentLink, dialGrpc, dialUnix, type ProxyHello } from '@berth/policy-agents';
import { startTrialAgent } from './our-agent.ts';
import { findings } from './our-client.ts';

const [side = '', kind = '', place = ''] = process.argv.slice(2);
const token = process.env['TOKEN'] ?? '';
const hello: ProxyHello = { proxyId: 'berth', proxyVersion: '0.1.0' };

async function reverse(): Promise<AgentLink> {
  return new Promise<AgentLink>((resolve, reject) => {
    reject(new Error('not there yet'));
    void resolve;
  });
}

function link(signal: AbortSignal): Promise<AgentLink> {
  const patience = { hello, timeoutMs: 5000, signal };
  if (kind === 'reverse') return reverse();
  if (kind === 'grpc') return dialGrpc({ target: place, ...patience });
  return dialUnix({ path: place, encodings: kind === 'unix-json' ? ['json'] : ['msgpack', 'json'], ...patience });
}

if (side === 'agent') {
  await using agent = await startTrialAgent(
    kind === 'reverse' ? { connect: `unix:${place}`, token } : { listen: kind === 'unix' ? `unix:${place}` : place },
  );
  console.log(`     ${agent.addresses.join(', ')}`);
  await once(process, 'SIGTERM');
} else {
  const found = await findings(link);
  for (const { what, wrong } of found)
    console.log(
      'wrong' in { wrong } && wrong !== undefined ? `FAIL ${what}: ${JSON.stringify(wrong)}` : `ok   ${what}`,
    );
  process.exitCode = found.some(({ wrong }) => wrong !== undefined) ? 1 : 0;
}
