import type { GuardrailContent } from '@berth/policy-agents';
import type { GuardrailText } from './guardrail-question.js';

/** Questions of one body; further texts are put together by their kind. */
const MAX_TEXTS = 64;

type Json = Readonly<Record<string, unknown>>;

/** What a request tells a language model, in the shapes of OpenAI's and Anthropic's APIs. Anything else has no texts. */
export function requestTexts(body: Buffer): readonly GuardrailText[] {
  const root = parsed(body);
  if (root === undefined) return [];
  const found = new Texts(root);
  for (const part of listOf(root['system'])) addPart(found, 'system', 'system', part);
  for (const part of listOf(root['instructions'])) addPart(found, 'system', 'system', part);
  for (const part of listOf(root['prompt'])) found.add('prompt', 'user', part);
  for (const message of [...listOf(root['messages']), ...listOf(root['input'])]) addMessage(found, message);
  return found.all();
}

/** What a language model answers, likewise. */
export function responseTexts(body: Buffer): readonly GuardrailText[] {
  const root = parsed(body);
  if (root === undefined) return [];
  const found = new Texts(root);
  for (const choice of listOf(root['choices'])) {
    if (!isJson(choice)) continue;
    found.add('response', 'assistant', choice['text']);
    if (isJson(choice['message'])) addMessage(found, { ...choice['message'], role: 'assistant' }, 'response');
  }
  for (const part of listOf(root['content'])) addPart(found, 'response', 'assistant', part);
  for (const part of listOf(root['output'])) addMessage(found, part, 'response');
  return found.all();
}

function addMessage(found: Texts, message: unknown, usual: GuardrailContent = 'prompt'): void {
  if (!isJson(message)) {
    found.add(usual, 'user', message);
    return;
  }
  const role = typeof message['role'] === 'string' ? message['role'] : '';
  const kind = kindOf(role, usual);
  // An item of a list of outputs may be a part by itself.
  if (message['content'] === undefined) addPart(found, kind, role, message);
  for (const part of listOf(message['content'])) addPart(found, kind, role, part);
  found.add(kind, role, message['refusal']);
  for (const call of listOf(message['tool_calls']))
    found.addJson('toolCall', role, isJson(call) ? call['function'] : undefined);
  found.addJson('toolCall', role, message['function_call']);
}

function addPart(found: Texts, kind: GuardrailContent, role: string, part: unknown): void {
  if (!isJson(part)) {
    found.add(kind, role, part);
    return;
  }
  switch (part['type']) {
    case 'tool_use':
    case 'function_call':
      found.addJson('toolCall', role, { name: part['name'], arguments: part['input'] ?? part['arguments'] });
      return;
    case 'tool_result':
      for (const inner of listOf(part['content'])) found.add('toolResult', role, isJson(inner) ? inner['text'] : inner);
      return;
    case 'function_call_output':
      found.add('toolResult', role, part['output']);
      return;
    default:
      found.add(kind, role, part['text']);
  }
}

function kindOf(role: string, usual: GuardrailContent): GuardrailContent {
  if (role === 'system' || role === 'developer') return 'system';
  return role === 'tool' || role === 'function' ? 'toolResult' : usual;
}

class Texts {
  private readonly list: GuardrailText[] = [];
  private readonly model: string | undefined;

  constructor(root: Json) {
    this.model = typeof root['model'] === 'string' ? root['model'] : undefined;
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

function parsed(body: Buffer): Json | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return isJson(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text or an object stands for a list of one. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
