/** Lists agents: node examples/dist/admin-client/main.js http://127.0.0.1:8080 'kiosk-*' (token: ADMIN_TOKEN) */
import { adminClient, agents } from './client.js';

const [, , baseUrl = 'http://127.0.0.1:8080', pattern = '*'] = process.argv;
const client = adminClient(baseUrl, process.env['ADMIN_TOKEN']);
for await (const agent of agents(client, { agent_id: pattern, include: 'offline' })) {
  const { agent_id, port, state, state_reason, last_seen } = agent;
  console.log(`${agent_id}\t${port}\t${state}\t${last_seen}\t${state_reason}`);
}
