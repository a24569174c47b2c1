import type { GuardrailContent } from '@berth/policy-agents';
import { Unreadable } from './decoded.js';
import type { GuardrailText } from './guardrail-question.js';

/** Questions of one body; further texts are put together by their kind. */
const MAX_TEXTS = 64;

type Json = Readonly<Record<string, unknown>>;

/** Before an object or a list of JSON, in any encoding of Unicode: space, marks of the byte order, and halves of wide characters. */
const BEFORE_JSON: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf, 0xfe, 0xff]);
const OPENING_BRACE = 0x7b;
const OPENING_BRACKET = 0x5b;

/** Whether a body that begins so may have texts; undefined: it has not really begun. */
export function mayHaveTexts(start: Buffer): boolean | undefined {
  // Four zeros in a row are binary in any case.
  if (start.length >= 4 && start.readUInt32BE() === 0) return false;
  const first = start.find((byte) => !BEFORE_JSON.has(byte));
  return first === undefined ? undefined : first === OPENING_BRACE || first === OPENING_BRACKET;
}

/** Whether a body is an object or a list of JSON, and nothing else. */
export function isWholeJson(body: Buffer): boolean {
  return typeof parsed(body) === 'object';
}

/**
 * What a request tells a language model, in the shapes of OpenAI's and Anthropic's APIs, or a list of such or of
 * messages. Other JSON has no texts.
 *
 * @throws Unreadable for a document whose text is not in it
 */
export function requestTexts(body: Buffer): readonly GuardrailText[] {
  return textsIn(body, 'prompt', addRequest);
}

/** What a language model answers, likewise. @throws Unreadable */
export function responseTexts(body: Buffer): readonly GuardrailText[] {
  return textsIn(body, 'response', addResponse);
}

type AddRoot = (found: Texts, root: Json) => void;

function textsIn(body: Buffer, usual: GuardrailContent, add: AddRoot): readonly GuardrailText[] {
  const root = parsed(body);
  if (typeof root === 'string') return [{ content: root, contentType: usual, model: undefined, role: '' }];
  const found = new Texts();
  if (Array.isArray(root)) addList(found, root, usual, add);
  else if (isJson(root)) {
    found.model = textIn(root, 'model');
    add(found, root);
  }
  return found.all();
}

function addList(found: Texts, list: readonly unknown[], usual: GuardrailContent, add: AddRoot): void {
  for (const one of list) {
    if (Array.isArray(one)) addList(found, one, usual, add);
    else if (isJson(one)) {
      found.model = textIn(one, 'model') ?? found.model;
      const { count } = found;
      add(found, one);
      if (found.count === count) addMessage(found, one, usual);
    } else addMessage(found, one, usual);
  }
}

function addRequest(found: Texts, root: Json): void {
  for (const part of partsOf(root, 'system')) addPart(found, 'system', 'system', part);
  for (const part of partsOf(root, 'instructions')) addPart(found, 'system', 'system', part);
  for (const part of partsOf(root, 'prompt')) found.add('prompt', 'user', part);
  for (const message of [...partsOf(root, 'messages'), ...partsOf(root, 'input')]) addMessage(found, message);
}

function addResponse(found: Texts, root: Json): void {
  for (const choice of partsOf(root, 'choices')) {
    if (!isJson(choice)) continue;
    found.add('response', 'assistant', choice['text']);
    if (isJson(choice['message'])) addMessage(found, { ...choice['message'], role: 'assistant' }, 'response');
  }
  for (const part of partsOf(root, 'content')) addPart(found, 'response', 'assistant', part);
  for (const part of partsOf(root, 'output')) addMessage(found, part, 'response');
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
  const inside = types.includes('tool_result') ? 'toolResult' : kind;
  for (const inner of partsOf(part, 'content')) addPart(found, inside, role, inner);
  if (types.some((type) => DOCUMENTS.has(type))) addDocument(found, kind, role, part);
  if (types.includes('function_call_output'))
    for (const output of valuesOf(part, 'output')) found.add('toolResult', role, output);
  for (const name of ['text', 'thinking']) for (const text of valuesOf(part, name)) found.add(kind, role, text);
}

/** Parts that bring a whole document. */
const DOCUMENTS: ReadonlySet<unknown> = new Set(['document', 'file', 'input_file']);

/** Of a document its text; what has to be fetched or taken apart to be read is not seen. */
function addDocument(found: Texts, kind: GuardrailContent, role: string, part: Json): void {
  for (const name of ['title', 'context']) for (const text of valuesOf(part, name)) found.add(kind, role, text);
  const sources = [...valuesOf(part, 'source'), ...valuesOf(part, 'file')].filter(isJson);
  for (const source of sources.length > 0 ? sources : [part]) {
    const inside = partsOf(source, 'content');
    for (const one of inside) addPart(found, kind, role, one);
    const data = textIn(source, 'data') ?? textIn(source, 'file_data');
    if (data !== undefined) found.add(kind, role, documentText(data, source));
    else if (inside.length === 0) throw new Unreadable('it names a document that is not in it');
  }
}

const TEXT_TYPE = /^(?:text\/|application\/(?:[a-z0-9.+-]+\+)?(?:json|xml)\b)/i;

function documentText(data: string, source: Json): string {
  if (valuesOf(source, 'type').includes('text')) return data;
  const [, inUrl, base64] = /^data:([^;,]*)[^,]*;base64,(.*)$/is.exec(data) ?? [];
  if (!TEXT_TYPE.test(inUrl ?? textIn(source, 'media_type') ?? ''))
    throw new Unreadable('it brings a document that is not text');
  return Buffer.from(base64 ?? data, 'base64').toString();
}

function kindOf(role: string, usual: GuardrailContent): GuardrailContent {
  if (role === 'system' || role === 'developer') return 'system';
  return role === 'tool' || role === 'function' ? 'toolResult' : usual;
}

class Texts {
  private readonly list: GuardrailText[] = [];
  model: string | undefined;

  get count(): number {
    return this.list.length;
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

/** @returns an object or a list; undefined: it is neither; the text of what looks so, for parsers that read more than JSON allows (NaN, something behind the end) */
function parsed(body: Buffer): unknown {
  const text = textOf(body);
  if (!/^[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
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
