import { expect, it } from '@jest/globals';
import { dialGrpc, PolicyAgent, type RequestHeadersEvent } from '@berth/policy-agents';
import { disposable, eventually } from '@berth/testing';
import { startRulesAgent } from './agent.js';
import { Rules } from './rules.js';

function head(correlationId: string, uri: string): RequestHeadersEvent {
  const client = { clientIp: '192.0.2.7', clientPort: 1, protocol: 'HTTP/1.1' };
  return {
    kind: 'requestHeaders',
    metadata: { correlationId, requestId: correlationId, ...client, timestampMs: 0 },
    method: 'GET',
    uri,
    httpVersion: 'HTTP/1.1',
    headers: [],
  };
}

it('example: rules are pushed while it runs, and wrong ones leave those that are there', async () => {
  const rules = (path: string): string => JSON.stringify({ rules: [{ id: path, action: 'block', paths: [path] }] });
  await using agent = await startRulesAgent(
    { listen: '127.0.0.1:0', log: () => undefined },
    Rules.from(JSON.parse(rules('/admin'))),
  );
  const [target = ''] = agent.addresses;
  const link = await dialGrpc({ target, hello: { proxyId: 'g1', proxyVersion: '1' }, timeoutMs: 5000 });
  await using gateway = disposable(new PolicyAgent('rules', { drainMs: 0 }), (it) => it.close());
  gateway.add(link);
  let asked = 0;
  const outcome = async (uri: string): Promise<string> => {
    const conversation = gateway.begin(`c${(asked += 1)}`);
    const { answer } = await conversation.ask(head(`c${asked}`, uri));
    conversation.cancel('clientDisconnect');
    return answer.decision.kind;
  };
  const pushed = async (config: string): Promise<string | undefined> => {
    const { id } = gateway.push(config);
    const push = await eventually(() =>
      gateway.pushes().find((one) => one.id === id && one.state !== 'pending' && one.state !== 'sent'),
    );
    return `${push.state} ${push.error}`;
  };

  expect(await outcome('/%61dmin/x')).toBe('block');
  expect(await pushed(rules('/private'))).toBe('acknowledged ');
  expect([await outcome('/admin'), await outcome('/private')]).toEqual(['allow', 'block']);
  expect(await pushed('{"rules":[{"id":"x"}]}')).toContain('rules[0]: action must be "allow" or "block"');
  expect([await outcome('/admin'), await outcome('/private')]).toEqual(['allow', 'block']);
});
