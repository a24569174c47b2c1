import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AgentAnswer,
  type AgentCapabilities,
  type AgentMessage,
  allowed,
  LIMIT_DEFAULTS,
  type ProxyLink,
  type ProxyMessage,
  serveUnix,
} from '@berth/policy-agents';
import { eventually, owning } from '@berth/testing';
import { logLines, relayToListener } from '@berth/testing/system';

const FEATURES = {
  ...{ streamingBody: false, webSocket: false, guardrails: false, configPush: true, metricsExport: true },
  ...{ concurrentRequests: 0, cancellation: true, flowControl: true, healthReporting: true },
};
const CAPABILITIES: AgentCapabilities = {
  ...{ protocolVersion: 2, agentId: 'waf-0', name: 'Test WAF', version: '1.2.3' },
  ...{ supportedEvents: new Set(['requestHeaders', 'configure'] as const), features: FEATURES, limits: LIMIT_DEFAULTS },
};

type Judged = Partial<AgentAnswer> | undefined;

/** Of all answers of the admin API that are looked at closely. */
interface Body {
  error: { message: string };
  source: string;
  state: string;
  settings: { paths: string[]; config: object };
  decisions: object[];
  warnings: string[];
  bytes: number;
  push_id: string;
  count: number;
}

/** A policy agent at a socket, and what its proxies say. @param judge undefined: it never answers */
export async function wafAt(path: string, judge: (uri: string) => Judged) {
  await using stack = new AsyncDisposableStack();
  const links = new Set<ProxyLink>();
  const heard: ProxyMessage[] = [];
  const said = (link: ProxyLink, message: ProxyMessage): void => {
    heard.push(message);
    if (message.kind === 'configure' && message.correlationId !== undefined) link.send(allowed(message.correlationId));
    if (message.kind !== 'requestHeaders') return;
    const answer = judge(message.uri);
    if (answer !== undefined) link.send({ ...allowed(message.metadata.correlationId), ...answer });
  };
  const server = await serveUnix({
    path,
    host: {
      capabilities: () => CAPABILITIES,
      linked: (link) => {
        links.add(link);
        link.receiver = {
          message: (message) => said(link, message),
          drained: () => undefined,
          closed: () => links.delete(link),
        };
      },
    },
  });
  stack.defer(() => server.close());
  const says = (message: AgentMessage): void => void [...links][0]?.send(message);
  return owning({ links, heard, says }, stack);
}

const BLOCK: Partial<AgentAnswer> = {
  decision: { kind: 'block', status: 403, body: 'not here', headers: [] },
  audit: { tags: ['paths'], ruleIds: ['no-admin'], confidence: 0.5, reasonCodes: [], custom: {} },
};
export const noAdmin = (uri: string): Judged => (uri.startsWith('/admin') ? BLOCK : {});

export function folder(stack: AsyncDisposableStack): string {
  const path = mkdtempSync(join(tmpdir(), 'berth-policy-'));
  stack.defer(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

/** Until an expectation holds. */
export const until = (holds: () => void | Promise<void>): Promise<boolean> =>
  eventually(async () => {
    await holds();
    return true;
  });

/** A relay whose port asks the agent `waf`, and the admin API. */
export async function lab(judge: (uri: string) => Judged = noAdmin, over: object = {}) {
  await using stack = new AsyncDisposableStack();
  const path = join(folder(stack), 'waf.sock');
  const waf = stack.use(await wafAt(path, judge));
  const { log, text } = logLines();
  const gateway = {
    policyAgents: { waf: { address: `unix:${path}`, connections: 1, ...over } },
    policies: { '*': { inspect: { agents: ['waf'] } } },
  };
  const relay = stack.use(await relayToListener((_, response) => response.end('ok'), { gateway, log }));
  const admin = async (method: string, where: string, body?: unknown) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(`${relay.gateway.admin}${where}`, {
      method,
      ...(body !== undefined && { headers, body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    return { status: response.status, body: JSON.parse(answer === '' ? '{}' : answer) as Body };
  };
  const get = async (where: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${relay.port}${where}`);
    return [response.status, await response.text()];
  };
  const there = (): Promise<boolean> =>
    until(async () => {
      expect((await admin('GET', '/policy-agents/waf')).body).toMatchObject({ state: 'healthy' });
    });
  await there();
  const metrics = async (): Promise<string> => await (await fetch(`${relay.gateway.admin}/metrics`)).text();
  return owning({ waf, path, relay, admin, get, there, metrics, logText: text }, stack);
}
