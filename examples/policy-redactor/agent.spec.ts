import { expect, it } from '@jest/globals';
import {
  type AgentAnswer,
  type BodyChunkEvent,
  dialUnix,
  PolicyAgent,
  type ResponseHeadersEvent,
} from '@berth/policy-agents';
import { disposable } from '@berth/testing';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedactor } from './agent.js';

const correlationId = 'c';

function response(...headers: string[]): ResponseHeadersEvent {
  return { kind: 'responseHeaders', correlationId, status: 200, headers };
}

function chunk(text: string, chunkIndex: number, isLast: boolean): BodyChunkEvent {
  const data = Buffer.from(text);
  return {
    kind: 'responseBody',
    correlationId,
    chunkIndex,
    data,
    isLast,
    bytesTransferred: data.length,
    bufferAvailable: 0,
    timestampMs: 0,
  };
}

/** What an agent says to one exchange. */
async function answers(...events: (ResponseHeadersEvent | BodyChunkEvent)[]): Promise<AgentAnswer[]> {
  using folder = disposableFolder();
  const path = join(folder.path, 'x.sock');
  await using _agent = await startRedactor({ listen: `unix:${path}`, log: () => undefined });
  const link = await dialUnix({ path, hello: { proxyId: 'g1', proxyVersion: '1' }, timeoutMs: 5000 });
  await using gateway = disposable(new PolicyAgent('redactor', { drainMs: 0 }), (it) => it.close());
  gateway.add(link);
  const conversation = gateway.begin(correlationId);
  const all: AgentAnswer[] = [];
  for (const event of events) all.push((await conversation.ask(event)).answer);
  conversation.cancel('clientDisconnect');
  return all;
}

function disposableFolder(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'berth-redactor-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

it('example: a number across two chunks of JSON is masked, and nothing is lost', async () => {
  const [head, ...parts] = await answers(
    response('content-type', 'application/problem+json; charset=utf-8', 'etag', '"1"'),
    chunk('{"card":"4111 1111 ', 0, false),
    chunk('1111 1111"}', 1, true),
  );
  expect(head?.responseHeaders).toContainEqual({ op: 'remove', name: 'etag' });
  const out = parts.map((part) => part.responseBody?.data?.toString() ?? 'as it was');
  expect(out.join('')).toBe('{"card":"4000 0000 0000 1111"}');
  expect(parts[1]?.audit?.custom['masked']).toBe('1');
});

it('example: what is not JSON passes, and what cannot be read does not', async () => {
  const [, part] = await answers(response('content-type', 'text/plain'), chunk('4111111111111111', 0, true));
  expect(part?.responseBody).toBeUndefined();
  const [head] = await answers(response('content-type', 'application/json', 'content-encoding', 'br'));
  expect(head?.decision).toMatchObject({ kind: 'block', status: 502 });
});
