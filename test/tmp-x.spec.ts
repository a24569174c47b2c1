import { RawClient, eventually } from '#testing';
import { testAgent, testGateway } from './support/harness.js';
it('x', async () => {
    const gateway = await testGateway({ shutdown: { timeoutMs: 60_000 } });
    const agent = await testAgent(gateway, 1);
    const client= await RawClient.connect(agent.port); const  admin = await RawClient.connect(gateway.adminPort);
    const c = gateway.close();
    await eventually(()=>client.closed).then(()=>console.log('client closed'),e=>console.log('client no'));
    await eventually(()=>admin.closed,500).then(()=>console.log('admin closed'),e=>console.log('admin no'));
    client.destroy(); admin.destroy();
    await c; await agent.stop();
},10000);
