import { RawAgent, testGateway } from '@berth/testing/system';
import { AgentRegistry } from 'berth-gateway';
import { everyConnection } from '../libs/agent-pool/testing/compliance.js';

everyConnection('the tunnel over gRPC', async (accept) => {
  const gateway = await testGateway();
  const agent = new RawAgent(gateway.grpcPort);
  agent.accept = accept;
  await agent.hello('a').welcome;
  const [connection] = gateway.app.get(AgentRegistry).get('a')?.connections.all ?? [];
  if (connection === undefined) throw new Error('not registered');
  return {
    connection,
    breakOff: () => {
      agent.close();
    },
    close: async () => {
      agent.close();
      await gateway.close();
    },
  };
});
