import { type AgentAnswer, ALLOW, type BodyMutation, type Decision, type FrameDecision } from '../../answers.js';
import { PROTOCOL_VERSION } from '../../capabilities.js';
import type { AgentMessage } from '../../link.js';
import { hasAudit, readAudit, writeAudit } from '../audit.js';
import {
  count,
  decimal,
  type Fields,
  fieldsOf,
  flag,
  inner,
  optionalCount,
  optionalText,
  text,
  textMap,
} from '../fields.js';
import { readHeaderOps, writeHeaderOps } from '../header-ops.js';
import { readMetrics, writeMetrics } from '../metrics.js';
import { readFlow, readHealth, readLog, readPong, writeFlow, writeHealth, writeLog, writePong } from '../reports.js';
import { readUpdate, writeUpdate } from './config-updates.js';
import { type Dialect, readBytes, writeBytes } from './dialect.js';
import { FrameType } from './frame-types.js';

/** Type and payload of the frame for a message; undefined for one that these framings cannot say. */
export function shapeForProxy(message: AgentMessage, dialect: Dialect): [FrameType, Fields] | undefined {
  switch (message.kind) {
    case 'answer':
      return [FrameType.answer, writeAnswer(message, dialect)];
    case 'health':
      return [FrameType.health, writeHealth(message)];
    case 'metrics':
      return [FrameType.metrics, writeMetrics(message, (le) => (le === Infinity ? '+Inf' : le))];
    case 'configUpdate':
      return [FrameType.configUpdate, writeUpdate(message)];
    case 'flow':
      return [FrameType.flow, writeFlow(message)];
    case 'pong':
      return [FrameType.pong, writePong(message)];
    case 'log':
      return dialect.isBerth ? [FrameType.log, writeLog(message)] : undefined;
  }
}

function writeAnswer(of: AgentAnswer, dialect: Dialect): Fields {
  return {
    version: PROTOCOL_VERSION,
    decision: writeDecision(of.decision),
    request_headers: writeHeaderOps(of.requestHeaders, (name) => ({ name })),
    response_headers: writeHeaderOps(of.responseHeaders, (name) => ({ name })),
    routing_metadata: {},
    audit: {
      ...writeAudit(of.audit ?? NO_AUDIT),
      custom: { ...of.audit?.custom, correlation_id: of.correlationId },
    },
    needs_more: of.needsMore,
    request_body_mutation: writeMutation(of.requestBody, dialect),
    response_body_mutation: writeMutation(of.responseBody, dialect),
    websocket_decision: of.frame ? writeFrameDecision(of.frame) : null,
    processing_time_ms: of.processingTimeMs,
  };
}

const NO_AUDIT = { tags: [], ruleIds: [], reasonCodes: [], custom: {} };

function writeDecision(of: Decision): string | Fields {
  switch (of.kind) {
    case 'allow':
      return 'allow';
    case 'block':
      return { block: { status: of.status, body: of.body ?? null, headers: writeBlockHeaders(of.headers) } };
    case 'redirect':
      return { redirect: { url: of.url, status: of.status } };
    case 'challenge':
      return { challenge: { challenge_type: of.type, params: of.params } };
  }
}

/** A name has one value here: more of them are joined, as RFC 9110, section 5.3, allows. */
function writeBlockHeaders(headers: readonly (readonly [string, string])[]): Record<string, string> | null {
  if (headers.length === 0) return null;
  const map = Object.create(null) as Record<string, string>;
  for (const [name, value] of headers) map[name] = name in map ? `${map[name] ?? ''}, ${value}` : value;
  return map;
}

function writeMutation(of: BodyMutation | undefined, dialect: Dialect): Fields | null {
  if (of === undefined) return null;
  return { data: of.data === undefined ? null : writeBytes(of.data, dialect), chunk_index: of.chunkIndex };
}

function writeFrameDecision(of: FrameDecision): string | Fields {
  return of.kind === 'close' ? { close: { code: of.code, reason: of.reason } } : of.kind;
}

/**
 * @returns undefined when frames of this type do not go to proxies
 * @throws Error when it is no such message
 */
export function readForProxy(type: FrameType, from: Fields): AgentMessage | undefined {
  switch (type) {
    case FrameType.answer:
      return readAnswer(from);
    case FrameType.health:
      return readHealth(from);
    case FrameType.metrics:
      return readMetrics(from);
    case FrameType.configUpdate:
      return readUpdate(from);
    case FrameType.flow:
      return readFlow(from);
    case FrameType.pong:
      return readPong(from);
    case FrameType.log:
      return readLog(from);
    default:
      return undefined;
  }
}

function readAnswer(from: Fields): AgentAnswer {
  const audit = readAudit(inner(from, 'audit'));
  const { correlation_id: correlationId = '', ...custom } = audit?.custom ?? {};
  const rest = audit && { ...audit, custom };
  return {
    kind: 'answer',
    correlationId,
    decision: readDecision(from['decision']),
    requestHeaders: readHeaderOps(from, 'request_headers'),
    responseHeaders: readHeaderOps(from, 'response_headers'),
    audit: rest && hasAudit(rest) ? rest : undefined,
    processingTimeMs: optionalCount(from, 'processing_time_ms'),
    needsMore: flag(from, 'needs_more'),
    requestBody: readMutation(inner(from, 'request_body_mutation')),
    responseBody: readMutation(inner(from, 'response_body_mutation')),
    frame: readFrameDecision(from['websocket_decision']),
  };
}

/** Unlike in protobuf a decision must be there, and known: in doubt nothing is allowed. */
function readDecision(value: unknown): Decision {
  if (value === 'allow') return ALLOW;
  const from = fieldsOf(value, 'decision');
  const block = inner(from, 'block');
  if (block) {
    return {
      kind: 'block',
      status: decimal(block, 'status'),
      body: optionalText(block, 'body'),
      headers: readBlockHeaders(block),
    };
  }
  const redirect = inner(from, 'redirect');
  if (redirect) return { kind: 'redirect', url: text(redirect, 'url'), status: decimal(redirect, 'status') };
  const challenge = inner(from, 'challenge');
  if (challenge) {
    return { kind: 'challenge', type: text(challenge, 'challenge_type'), params: textMap(challenge, 'params') };
  }
  if (inner(from, 'allow')) return ALLOW;
  throw new Error('decision is unknown');
}

function readBlockHeaders(block: Fields): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = [];
  for (const [name, values] of Object.entries(inner(block, 'headers') ?? {})) {
    for (const value of Array.isArray(values) ? (values as unknown[]) : [values]) {
      if (typeof value !== 'string') throw new Error('a header of a block is no text');
      headers.push([name, value]);
    }
  }
  return headers;
}

function readMutation(from: Fields | undefined): BodyMutation | undefined {
  if (from === undefined) return undefined;
  const data = from['data'] === null || from['data'] === undefined ? undefined : readBytes(from, 'data');
  return { chunkIndex: count(from, 'chunk_index'), data };
}

function readFrameDecision(value: unknown): FrameDecision | undefined {
  if (value === null || value === undefined) return undefined;
  if (value === 'allow' || value === 'drop') return { kind: value };
  const close = inner(fieldsOf(value, 'websocket_decision'), 'close');
  if (close === undefined) throw new Error('websocket_decision is unknown');
  return { kind: 'close', code: count(close, 'code'), reason: text(close, 'reason') };
}
