import type { BerthError } from '@berth/errors';
import { type AgentAnswer, ALLOW, type BodyMutation, type Decision, type FrameDecision } from '../../answers.js';
import { type AgentCapabilities, PROTOCOL_VERSION } from '../../capabilities.js';
import type { AgentMessage } from '../../link.js';
import type { ConfigChange, ConfigUpdate } from '../../reports.js';
import { hasAudit, readAudit, writeAudit } from '../audit.js';
import { writeCapabilities } from '../capabilities.js';
import {
  count,
  decimal,
  type Fields,
  flag,
  inner,
  inners,
  optionalCount,
  optionalText,
  text,
  textMap,
  texts,
} from '../fields.js';
import { type HandshakeReply, readReply } from '../handshake.js';
import { readHeaderOps, writeHeaderOps } from '../header-ops.js';
import { readMetrics, writeMetrics } from '../metrics.js';
import { readFlow, readHealth, readLog, readPong, writeFlow, writeHealth, writeLog, writePong } from '../reports.js';
import { decodeAgentToProxy, encodeAgentToProxy } from './schema.js';

/** @param outcome what the agent is, or why it refuses */
export function encodeReply(outcome: AgentCapabilities | BerthError): Buffer {
  return encodeAgentToProxy({
    handshake:
      outcome instanceof Error
        ? { success: false, error: outcome.message }
        : { protocol_version: PROTOCOL_VERSION, capabilities: writeCapabilities(outcome), success: true },
  });
}

export function encodeToProxy(message: AgentMessage): Buffer {
  return encodeAgentToProxy(write(message));
}

function write(message: AgentMessage): Fields {
  switch (message.kind) {
    case 'answer':
      return { response: writeAnswer(message) };
    case 'health':
      return { health: writeHealth(message) };
    case 'metrics':
      return { metrics: writeMetrics(message, (le) => le) };
    case 'configUpdate':
      return {
        config_update: {
          request_id: message.requestId,
          timestamp_ms: message.timestampMs,
          ...writeChange(message.change),
        },
      };
    case 'flow':
      return { flow_control: writeFlow(message) };
    case 'pong':
      return { pong: writePong(message) };
    case 'log':
      return { log: writeLog(message) };
  }
}

function writeAnswer(of: AgentAnswer): Fields {
  return {
    correlation_id: of.correlationId,
    ...writeDecision(of.decision),
    request_headers: writeHeaderOps(of.requestHeaders, (name) => name),
    response_headers: writeHeaderOps(of.responseHeaders, (name) => name),
    audit: writeAudit(of.audit),
    processing_time_ms: of.processingTimeMs,
    needs_more: of.needsMore,
    request_body_mutation: writeMutation(of.requestBody),
    response_body_mutation: writeMutation(of.responseBody),
    websocket_decision:
      of.frame &&
      (of.frame.kind === 'close'
        ? { close: { code: of.frame.code, reason: of.frame.reason } }
        : { [of.frame.kind]: {} }),
  };
}

function writeDecision(of: Decision): Fields {
  switch (of.kind) {
    case 'allow':
      return { allow: {} };
    case 'block':
      return {
        block: { status: of.status, body: of.body, headers: of.headers.map(([name, value]) => ({ name, value })) },
      };
    case 'redirect':
      return { redirect: { url: of.url, status: of.status } };
    case 'challenge':
      return { challenge: { challenge_type: of.type, params: of.params } };
  }
}

function writeMutation(of: BodyMutation | undefined): Fields | undefined {
  return of && { data: of.data, chunk_index: of.chunkIndex };
}

function writeChange(of: ConfigChange): Fields {
  switch (of.kind) {
    case 'reload':
      return { request_reload: {} };
    case 'rules':
      return {
        rule_update: {
          rule_set: of.ruleSet,
          rules: of.rules.map((rule) => ({
            id: rule.id,
            priority: rule.priority,
            definition_json: rule.definitionJson,
            enabled: rule.enabled,
            description: rule.description,
            tags: rule.tags,
          })),
          remove_rules: of.removeRules,
        },
      };
    case 'list':
      return { list_update: { list_id: of.listId, add: of.add, remove: of.remove } };
    case 'restart':
      return { restart_required: { reason: of.reason, grace_period_ms: of.gracePeriodMs } };
    case 'error':
      return { config_error: { error: of.error, field: of.field } };
  }
}

/**
 * @returns undefined for a message that nobody knows, or none
 * @throws BerthError `BERTH_PROTOCOL_ERROR`
 */
export function decodeToProxy(bytes: Buffer): AgentMessage | HandshakeReply | undefined {
  return decodeAgentToProxy(bytes, read);
}

function read(kind: string | undefined, from: Fields): AgentMessage | HandshakeReply | undefined {
  switch (kind) {
    case 'response':
      return readAnswer(from);
    case 'handshake':
      return readReply(from);
    case 'health':
      return readHealth(from);
    case 'metrics':
      return readMetrics(from);
    case 'config_update':
      return readUpdate(from);
    case 'flow_control':
      return readFlow(from);
    case 'pong':
      return readPong(from);
    case 'log':
      return readLog(from);
    default:
      return undefined;
  }
}

function readAnswer(from: Fields): AgentAnswer {
  const audit = readAudit(inner(from, 'audit'));
  return {
    kind: 'answer',
    correlationId: text(from, 'correlation_id'),
    decision: readDecision(from),
    requestHeaders: readHeaderOps(from, 'request_headers'),
    responseHeaders: readHeaderOps(from, 'response_headers'),
    audit: audit && hasAudit(audit) ? audit : undefined,
    processingTimeMs: optionalCount(from, 'processing_time_ms'),
    needsMore: flag(from, 'needs_more'),
    requestBody: readMutation(inner(from, 'request_body_mutation')),
    responseBody: readMutation(inner(from, 'response_body_mutation')),
    frame: readFrameDecision(inner(from, 'websocket_decision')),
  };
}

function readDecision(from: Fields): Decision {
  const kind = from['decision'];
  if (kind === 'block') {
    const block = inner(from, 'block') ?? {};
    return {
      kind,
      status: count(block, 'status'),
      body: optionalText(block, 'body'),
      headers: inners(block, 'headers').map((header) => [text(header, 'name'), text(header, 'value')] as const),
    };
  }
  if (kind === 'redirect') {
    const redirect = inner(from, 'redirect') ?? {};
    return { kind, url: text(redirect, 'url'), status: count(redirect, 'status') };
  }
  if (kind === 'challenge') {
    const challenge = inner(from, 'challenge') ?? {};
    return { kind, type: text(challenge, 'challenge_type'), params: textMap(challenge, 'params') };
  }
  return ALLOW;
}

function readMutation(from: Fields | undefined): BodyMutation | undefined {
  if (from === undefined) return undefined;
  const data = Object.hasOwn(from, 'data') ? (from['data'] as Buffer) : undefined;
  return { chunkIndex: count(from, 'chunk_index'), data };
}

function readFrameDecision(from: Fields | undefined): FrameDecision | undefined {
  if (from === undefined) return undefined;
  if (from['decision'] === 'drop') return { kind: 'drop' };
  const close = from['decision'] === 'close' ? inner(from, 'close') : undefined;
  return close ? { kind: 'close', code: count(close, 'code'), reason: text(close, 'reason') } : { kind: 'allow' };
}

function readUpdate(from: Fields): ConfigUpdate {
  return {
    kind: 'configUpdate',
    requestId: text(from, 'request_id'),
    timestampMs: count(from, 'timestamp_ms'),
    change: readChange(from),
  };
}

function readChange(from: Fields): ConfigChange {
  const type = from['update_type'] as string | undefined;
  const change = (type === undefined ? undefined : inner(from, type)) ?? {};
  switch (type) {
    case 'rule_update':
      return {
        kind: 'rules',
        ruleSet: text(change, 'rule_set'),
        rules: inners(change, 'rules').map((rule) => ({
          id: text(rule, 'id'),
          priority: decimal(rule, 'priority'),
          definitionJson: text(rule, 'definition_json'),
          enabled: flag(rule, 'enabled'),
          description: optionalText(rule, 'description'),
          tags: texts(rule, 'tags'),
        })),
        removeRules: texts(change, 'remove_rules'),
      };
    case 'list_update':
      return {
        kind: 'list',
        listId: text(change, 'list_id'),
        add: texts(change, 'add'),
        remove: texts(change, 'remove'),
      };
    case 'restart_required':
      return { kind: 'restart', reason: text(change, 'reason'), gracePeriodMs: count(change, 'grace_period_ms') };
    case 'config_error':
      return { kind: 'error', error: text(change, 'error'), field: optionalText(change, 'field') };
    default:
      return { kind: 'reload' };
  }
}
