import type { GuardrailContent } from '@berth/policy-agents';
import type { GuardrailText } from './guardrail-question.js';

/** Questions of one body; further texts are put together by their kind. */
const MAX_TEXTS = 64;

type Json = Readonly<Record<string, unknown>>;

/** Before an object of JSON, in any encoding of Unicode: space, marks of the byte order, and halves of wide characters. */
const BEFORE_JSON: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf, 0xfe, 0xff]);
const OPENING_BRACE = 0x7b;

/** Whether a body that begins so may have texts; undefined: it has not really begun. */
export function mayHaveTexts(start: Buffer): boolean | undefined {
  // Four zeros in a row are binary in any case.
  if (start.length >= 4 && start.readUInt32BE() === 0) return false;
  const first = start.find((byte) => !BEFORE_JSON.has(byte));
  return first === undefined ? undefined : first === OPENING_BRACE;
}

/** What a request tells a language model, in the shapes of OpenAI's and Anthropic's APIs. Other JSON has no texts. */
export function requestTexts(body: Buffer): readonly GuardrailText[] {
  const root = parsed(body);
  if (!isJson(root)) return unread(root, 'prompt');
  const found = new Texts(root);
  for (const part of partsOf(root, 'system')) addPart(found, 'system', 'system', part);
  for (const part of partsOf(root, 'instructions')) addPart(found, 'system', 'system', part);
  for (const part of partsOf(root, 'prompt')) found.add('prompt', 'user', part);
  for (const message of [...partsOf(root, 'messages'), ...partsOf(root, 'input')]) addMessage(found, message);
  return found.all();
}

/** What a language model answers, likewise. */
export function responseTexts(body: Buffer): readonly GuardrailText[] {
  const root = parsed(body);
  if (!isJson(root)) return unread(root, 'response');
  const found = new Texts(root);
  for (const choice of partsOf(root, 'choices')) {
    if (!isJson(choice)) continue;
    found.add('response', 'assistant', choice['text']);
    if (isJson(choice['message'])) addMessage(found, { ...choice['message'], role: 'assistant' }, 'response');
  }
  for (const part of partsOf(root, 'content')) addPart(found, 'response', 'assistant', part);
  for (const part of partsOf(root, 'output')) addMessage(found, part, 'response');
  return found.all();
}

/** Other parsers read more than JSON allows (NaN, something behind the end): what looks like it is shown as it is. */
function unread(text: string | undefined, contentType: GuardrailContent): readonly GuardrailText[] {
  return text === undefined ? [] : [{ content: text, contentType, model: undefined, role: '' }];
}

function addMessage(found: Texts, message: unknown, usual: GuardrailContent = 'prompt'): void {
  if (!isJson(message)) {
    found.add(usual, 'user', message);
    return;
  }
  const role = textIn(message, 'role') ?? '';
  const kind = kindOf(role, usual);
  const parts = partsOf(message, 'content');
  // An item of a list of outputs may be a part by itself.
  if (parts.length === 0) addPart(found, kind, role, message);
  for (const part of parts) addPart(found, kind, role, part);
  for (const refusal of valuesOf(message, 'refusal')) found.add(kind, role, refusal);
  for (const call of partsOf(message, 'tool_calls'))
    for (const called of isJson(call) ? valuesOf(call, 'function') : []) found.addJson('toolCall', role, called);
  for (const called of valuesOf(message, 'function_call')) found.addJson('toolCall', role, called);
}

function addPart(found: Texts, kind: GuardrailContent, role: string, part: unknown): void {
  if (!isJson(part)) {
    found.add(kind, role, part);
    return;
  }
  const types = valuesOf(part, 'type');
  if (types.includes('tool_use') || types.includes('function_call')) {
    const given = [...valuesOf(part, 'input'), ...valuesOf(part, 'arguments')];
    const called = { name: valuesOf(part, 'name')[0], arguments: given.length > 1 ? given : given[0] };
    found.addJson('toolCall', role, called);
  }
  if (types.includes('tool_result'))
    for (const inner of partsOf(part, 'content'))
      for (const text of isJson(inner) ? valuesOf(inner, 'text') : [inner]) found.add('toolResult', role, text);
  if (types.includes('function_call_output'))
    for (const output of valuesOf(part, 'output')) found.add('toolResult', role, output);
  for (const text of valuesOf(part, 'text')) found.add(kind, role, text);
}

function kindOf(role: string, usual: GuardrailContent): GuardrailContent {
  if (role === 'system' || role === 'developer') return 'system';
  return role === 'tool' || role === 'function' ? 'toolResult' : usual;
}

class Texts {
  private readonly list: GuardrailText[] = [];
  private readonly model: string | undefined;

  constructor(root: Json) {
    this.model = textIn(root, 'model');
  }

  add(contentType: GuardrailContent, role: string, content: unknown): void {
    if (typeof content === 'string' && content !== '')
      this.list.push({ content, contentType, model: this.model, role });
  }

  addJson(contentType: GuardrailContent, role: string, value: unknown): void {
    if (value !== undefined && value !== null) this.add(contentType, role, JSON.stringify(value));
  }

  all(): readonly GuardrailText[] {
    const { list, model } = this;
    if (list.length <= MAX_TEXTS) return list;
    const rest = Map.groupBy(list.slice(MAX_TEXTS), ({ contentType }) => contentType);
    const joined = [...rest].map(([contentType, texts]) => {
      return { content: texts.map(({ content }) => content).join('\n\n'), contentType, model, role: '' };
    });
    return [...list.slice(0, MAX_TEXTS), ...joined];
  }
}

/** @returns JSON, the text of what looks like it and is none, or undefined */
function parsed(body: Buffer): Json | string | undefined {
  const text = textOf(body);
  if (!text.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

/** As services find the encoding of JSON (RFC 4627 section 3). Of UTF-32 every other unit is 0, which JSON never has. */
function textOf(body: Buffer): string {
  const [first, second] = body;
  const isBig = first === 0 || (first === 0xfe && second === 0xff);
  const isLittle = second === 0 || (first === 0xff && second === 0xfe);
  const encoding = isBig ? 'utf-16be' : isLittle ? 'utf-16le' : 'utf-8';
  return new TextDecoder(encoding).decode(body).replaceAll('\0', '').trim();
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** All that stands under a name. Services in Go take it in any case, and `ſ` for `s`. */
function valuesOf(json: Json, name: string): unknown[] {
  const fitting = Object.entries(json).filter(([key]) => key.toUpperCase().toLowerCase() === name);
  return fitting.map(([, value]) => value);
}

/** The same, where one stands for a list of one. */
function partsOf(json: Json, name: string): unknown[] {
  return valuesOf(json, name).flatMap((value) => value ?? []);
}

function textIn(json: Json, name: string): string | undefined {
  return valuesOf(json, name).find((value) => typeof value === 'string');
}
