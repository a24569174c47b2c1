import { endpointOf } from '@berth/agent-pool';
import { type AgentLink, dialGrpc, dialUnix, PolicyAgent } from '@berth/policy-agents';

/** One connection to the agent at an address such as `unix:/run/waf.sock` or `127.0.0.1:50051`. */
function dial(address: string, signal: AbortSignal): Promise<AgentLink> {
  const hello = { proxyId: 'example', proxyVersion: '1.0.0' };
  const endpoint = endpointOf(address);
  return endpoint.transport === 'unix'
    ? dialUnix({ path: endpoint.path, hello, timeoutMs: 5000, signal })
    : dialGrpc({ target: endpoint.target, hello, timeoutMs: 5000, signal });
}

/** What a policy agent decides about one request: `allow`, `block`, `redirect` or `challenge`. */
async function judge(address: string, method: string, uri: string): Promise<string> {
  const options = { connections: 1, timeoutMs: 1000 };
  const agent = new PolicyAgent('waf', options, { dial: (signal) => dial(address, signal) });
  try {
    await agent.start();
    const correlationId = 'request-1';
    const conversation = agent.begin(correlationId);
    const { answer } = await conversation.ask({
      kind: 'requestHeaders',
      metadata: {
        correlationId,
        requestId: correlationId,
        clientIp: '192.0.2.1',
        clientPort: 0,
        protocol: 'HTTP/1.1',
        timestampMs: Date.now(),
      },
      method,
      uri,
      httpVersion: 'HTTP/1.1',
      headers: [],
    });
    conversation.cancel('manual');
    return answer.decision.kind;
  } finally {
    await agent.close();
  }
}

export { judge };
