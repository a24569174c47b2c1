// Asks the original's agent over Berth's transports, and says which answers are as they must be. See run.sh.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentAnswer, AgentLink, AskedEvent, BodyChunkEvent, RequestHeadersEvent } from '@berth/policy-agents';
import { PolicyAgent } from '@berth/policy-agents';

export interface Finding {
  readonly what: string;
  /** undefined: as it must be */
  readonly wrong?: unknown;
}

function head(correlationId: string, uri: string): RequestHeadersEvent {
  return {
    kind: 'requestHeaders',
    metadata: {
      correlationId,
      requestId: `request-${correlationId}`,
      clientIp: '192.0.2.7',
      clientPort: 4711,
      protocol: 'HTTP/1.1',
      timestampMs: Date.now(),
    },
    method: 'POST',
    uri,
    httpVersion: 'HTTP/1.1',
    headers: ['accept', 'a', 'accept', 'b', 'x-bad', '1'],
  };
}

function chunk(kind: BodyChunkEvent['kind'], correlationId: string, text: string, isLast: boolean): BodyChunkEvent {
  const data = Buffer.from(text);
  const chunkIndex = isLast ? 1 : 0;
  return {
    kind,
    correlationId,
    chunkIndex,
    data,
    isLast,
    bytesTransferred: data.length,
    bufferAvailable: 1 << 20,
    timestampMs: Date.now(),
  };
}

/** @param link opens a connection, or waits for one */
export async function findings(link: (signal: AbortSignal) => Promise<AgentLink>): Promise<Finding[]> {
  const found: Finding[] = [];
  const first = await link(AbortSignal.timeout(20_000));
  const isGrpc = first.transport === 'grpc';
  const agent = new PolicyAgent('trial', { connections: 1, timeoutMs: 5000 }, {});
  const refused = agent.add(first);
  if (refused !== undefined) throw new Error(refused);
  const says = (what: string, seen: unknown, wanted: unknown): void => {
    found.push(JSON.stringify(seen) === JSON.stringify(wanted) ? { what } : { what, wrong: seen ?? null });
  };
  const ask = async (...events: [RequestHeadersEvent, ...AskedEvent[]]): Promise<AgentAnswer[]> => {
    const conversation = agent.begin(events[0].metadata.correlationId);
    const answers: AgentAnswer[] = [];
    for (const event of events) answers.push((await conversation.ask(event)).answer);
    conversation.cancel('clientDisconnect');
    return answers;
  };
  try {
    const { name, supportedEvents, features } = first.capabilities;
    says(
      'name and events',
      [name, supportedEvents.has('responseBody'), features.streamingBody],
      ['trial agent', true, true],
    );
    const [plain] = await ask(head('1', '/'));
    says(
      'allow with headers',
      [plain?.decision.kind, plain?.requestHeaders, plain?.responseHeaders],
      [
        'allow',
        [
          { op: 'set', name: 'x-judged', value: '192.0.2.7' },
          { op: 'remove', name: 'x-bad' },
        ],
        [{ op: 'add', name: 'x-seen', value: 'POST' }],
      ],
    );
    const [blocked] = await ask(head('2', '/blocked'));
    says(
      'block',
      [blocked?.decision, blocked?.audit?.ruleIds, blocked?.audit?.confidence],
      [{ kind: 'block', status: 403, body: 'blocked', headers: [['x-rule', 'path']] }, ['r1'], 0.5],
    );
    says('redirect', (await ask(head('3', '/moved')))[0]?.decision, {
      kind: 'redirect',
      url: 'https://example.org/',
      status: 308,
    });
    says('challenge', (await ask(head('4', '/who')))[0]?.decision, {
      kind: 'challenge',
      type: 'basic',
      params: { realm: 'trial' },
    });
    const [more, changed, refusal] = await ask(
      head('5', '/body'),
      chunk('requestBody', '5', 'plain', false),
      chunk('requestBody', '5', 'a secret', true),
    );
    says('needs more', more?.needsMore, true);
    // The schema of the original's gRPC has no changed bodies.
    says('chunk changed', changed?.requestBody?.data?.toString(), isGrpc ? undefined : 'PLAIN');
    says('chunk blocked', refusal?.decision, { kind: 'block', status: 422, body: 'no secrets', headers: [] });
    const [, response, dropped] = await ask(
      head('6', '/'),
      { kind: 'responseHeaders', correlationId: '6', status: 404, headers: ['a', 'b'] },
      chunk('responseBody', '6', 'tail', true),
    );
    says('response head', response?.responseHeaders, [{ op: 'set', name: 'x-status', value: '404' }]);
    says('response chunk dropped', dropped?.responseBody?.data?.length, isGrpc ? undefined : 0);
    const frame = (text: string): AskedEvent => ({
      kind: 'webSocketFrame',
      correlationId: '7',
      clientToServer: true,
      frameType: 'text',
      payload: Buffer.from(text),
      frameIndex: 0,
      clientIp: '192.0.2.7',
    });
    if (first.transport === 'unix') {
      const [, allowed, gone, closed] = await ask(head('7', '/'), frame('hello'), frame('drop'), frame('close'));
      says(
        'frames',
        [allowed, gone, closed].map((answer) => answer?.frame?.kind),
        ['allow', 'drop', 'close'],
      );
    }
    const many = await Promise.all(Array.from({ length: 200 }, (_, n) => ask(head(`m${n}`, '/'))));
    says('200 at once', many.length, 200);
    if (features.configPush) {
      const { id } = agent.push('{"a":1}');
      await sleep(500);
      says('push', agent.pushes().find((push) => push.id === id)?.state, isGrpc ? 'sent' : 'acknowledged');
    }
    says('still there', agent.figures().connections.length, 1);
  } finally {
    await agent.close();
  }
  return found;
}
