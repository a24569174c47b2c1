import { ByteQueue } from '@berth/exchange';
import type { GuardrailContent } from '@berth/policy-agents';
import type { GuardrailText } from './guardrail-question.js';
import { allOf } from './held-body.js';
import type { StreamKind, TextReader } from './text-reader.js';

/** New characters that are judged at once: of what a model says in some seconds. */
const WINDOW = 512;
/** Characters before them that are shown again: what is cut by a window stands whole in the next. */
const OVERLAP = 512;
/** Texts that grow side by side, such as choices; further ones are one. */
const MAX_CHANNELS = 64;
const MAX_DEPTH = 10;

/** Names in events of the APIs of OpenAI (chat completions, completions, responses), Anthropic and Ollama under which texts are. */
const TEXTS: ReadonlySet<string> = new Set([
  ...['choices', 'delta', 'text', 'content', 'refusal', 'reasoning', 'reasoning_content', 'thinking', 'message'],
  ...['content_block', 'completion', 'response', 'output', 'item', 'part', 'summary'],
]);
const CALLS: ReadonlySet<string> = new Set([
  ...['tool_calls', 'function_call', 'function', 'name', 'arguments', 'input', 'partial_json'],
]);
/** Which of the texts side by side an event belongs to. */
const NUMBERS: readonly string[] = ['index', 'output_index', 'content_index', 'summary_index'];

interface Channel {
  readonly contentType: GuardrailContent;
  /** has been judged */
  tail: string;
  fresh: string;
}

/** The texts of an answer that is a stream of events, a window after the other. */
export class StreamTexts implements TextReader {
  readonly hasNone = false;
  private readonly channels = new Map<string, Channel>();
  /** the beginning of an event */
  private readonly partial = new ByteQueue();
  private lastBytes = Buffer.alloc(0);
  private freshChars = 0;
  private model: string | undefined;

  constructor(private readonly kind: StreamKind) {}

  /** Of a whole stream. */
  static all(kind: StreamKind, body: Buffer): readonly GuardrailText[] {
    const reader = new StreamTexts(kind);
    reader.push(body);
    return reader.taken();
  }

  get isDue(): boolean {
    return this.freshChars >= WINDOW;
  }

  get isClear(): boolean {
    return this.freshChars === 0;
  }

  push(bytes: Buffer): number {
    const end = this.endOfEvents(bytes);
    this.partial.push(bytes.subarray(0, end));
    if (end > 0) this.read(allOf(this.partial));
    this.partial.push(bytes.subarray(end));
    return end;
  }

  take(_held: () => Buffer, isEnd: boolean): Promise<readonly GuardrailText[]> {
    return Promise.resolve(isEnd ? this.taken() : this.window());
  }

  /** All that is left; the last event may lack its end. */
  private taken(): readonly GuardrailText[] {
    this.read(allOf(this.partial));
    return this.window();
  }

  private window(): readonly GuardrailText[] {
    const texts: GuardrailText[] = [];
    for (const channel of this.channels.values()) {
      if (channel.fresh === '') continue;
      const content = channel.tail + channel.fresh;
      texts.push({ content, contentType: channel.contentType, model: this.model, role: 'assistant' });
      channel.tail = content.slice(-OVERLAP);
      channel.fresh = '';
    }
    this.freshChars = 0;
    return texts;
  }

  /** @returns where the last whole event of these bytes ends; 0: none does */
  private endOfEvents(bytes: Buffer): number {
    const before = this.lastBytes.length;
    const all = Buffer.concat([this.lastBytes, bytes]);
    this.lastBytes = Buffer.from(all.subarray(-2));
    const ends = this.kind === 'lines' ? ['\n'] : ['\n\n', '\n\r\n', '\r\r'];
    return Math.max(0, ...ends.map((end) => (all.includes(end) ? all.lastIndexOf(end) + end.length - before : 0)));
  }

  private read(bytes: Buffer): void {
    const text = bytes.toString().replace(/\r\n?/g, '\n');
    for (const block of text.split(this.kind === 'lines' ? '\n' : '\n\n')) {
      const data = this.kind === 'lines' ? block.trim() : dataOf(block);
      if (data !== '') this.event(data);
    }
  }

  private event(data: string): void {
    const root = parsed(data);
    if (typeof root === 'string') {
      if (root !== '[DONE]') this.add('response', '', root);
    } else {
      const model = (root as { model?: unknown } | null)?.model;
      if (typeof model === 'string') this.model = model;
      try {
        this.walk(root, 'response', '', MAX_DEPTH);
      } catch (thrown) {
        // JSON may be as deep as the stack.
        if (!(thrown instanceof RangeError)) throw thrown;
        this.add('response', '', data);
      }
    }
  }

  private walk(value: unknown, contentType: GuardrailContent, where: string, depth: number): void {
    if (typeof value === 'string') this.add(contentType, where, value);
    else if (typeof value !== 'object' || value === null) return;
    else if (depth === 0) this.add(contentType, where, JSON.stringify(value));
    else if (Array.isArray(value)) for (const one of value) this.walk(one, contentType, where, depth - 1);
    else {
      const fields = value as Readonly<Record<string, unknown>>;
      const here = NUMBERS.reduce(
        (at, name) => (typeof fields[name] === 'number' ? `${at}/${fields[name]}` : at),
        where,
      );
      const { type } = fields;
      const isCall = typeof type === 'string' && /function_call|tool_use|input_json/.test(type);
      for (const [name, inner] of Object.entries(fields)) {
        if (CALLS.has(name)) this.call(inner, here, depth - 1);
        else if (TEXTS.has(name)) this.walk(inner, isCall ? 'toolCall' : contentType, here, depth - 1);
      }
    }
  }

  /** What a tool is called with is any JSON. */
  private call(value: unknown, where: string, depth: number): void {
    const isArguments = typeof value === 'object' && value !== null && !Array.isArray(value) && !('function' in value);
    if (!isArguments || 'arguments' in value) this.walk(value, 'toolCall', where, depth);
    else if (Object.keys(value).length > 0) this.add('toolCall', where, JSON.stringify(value));
  }

  private add(contentType: GuardrailContent, where: string, text: string): void {
    const full = this.channels.size >= MAX_CHANNELS;
    const known = `${contentType} ${where}`;
    const key = full && !this.channels.has(known) ? contentType : known;
    const channel = this.channels.get(key) ?? { contentType, tail: '', fresh: '' };
    this.channels.set(key, channel);
    channel.fresh += text;
    this.freshChars += text.length;
  }
}

/** The data of one event (HTML, section 9.2.6). */
function dataOf(block: string): string {
  const lines = block.split('\n').filter((line) => line.replace(/^\ufeff/, '').startsWith('data:'));
  return lines
    .map((line) => line.replace(/^\ufeff?data: ?/, ''))
    .join('\n')
    .trim();
}

/** @returns the text itself, where it is no JSON */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}
