import { setImmediate as turn } from 'node:timers/promises';
import type { AskedEvent } from '@berth/policy-agents';
import { eventually } from '@berth/testing';
import { block, FakeJudge, inspectionLab } from '../../../testing/inspection-lab.js';
import { Unreadable } from './decoded.js';
import { mayHaveTexts, requestTexts, responseTexts } from './guardrail-texts.js';

const inShort = (read: typeof requestTexts, body: unknown): string[] =>
  read(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))).map(
    ({ content, contentType, role }) => `${contentType} ${role}: ${content}`,
  );

const CHAT = {
  model: 'm-1',
  messages: [
    { role: 'system', content: 'be good' },
    { role: 'user', content: [{ type: 'text', text: 'hello' }, { type: 'image_url' }] },
    { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', content: 'sunny' },
  ],
};

describe('texts for and of language models', () => {
  it('are found in what is asked in the shape of chat completions, and of completions', () => {
    expect(inShort(requestTexts, CHAT)).toEqual([
      'system system: be good',
      'prompt user: hello',
      'toolCall assistant: {"name":"f","arguments":"{}"}',
      'toolResult tool: sunny',
    ]);
    expect(inShort(requestTexts, { prompt: ['a', 'b'] })).toEqual(['prompt user: a', 'prompt user: b']);
  });

  it('are found in what is asked in the shape of messages, and of responses', () => {
    const messages = {
      system: [{ type: 'text', text: 'be good' }],
      messages: [
        { role: 'user', content: 'hello' },
        { role: 'assistant', content: [{ type: 'tool_use', name: 'f', input: { a: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', content: [{ type: 'text', text: 'sunny' }] }] },
      ],
    };
    expect(inShort(requestTexts, messages)).toEqual([
      'system system: be good',
      'prompt user: hello',
      'toolCall assistant: {"name":"f","arguments":{"a":1}}',
      'toolResult user: sunny',
    ]);
    const input = [
      { role: 'user', content: [{ type: 'input_text', text: 'hello' }] },
      { type: 'function_call_output', output: 'sunny' },
    ];
    expect(inShort(requestTexts, { instructions: 'be good', input })).toEqual([
      'system system: be good',
      'prompt user: hello',
      'toolResult : sunny',
    ]);
    expect(inShort(requestTexts, { input: 'hi' })).toEqual(['prompt user: hi']);
  });

  it('are found in answers of all of them', () => {
    const choices = [{ message: { content: 'hi', tool_calls: [{ function: { name: 'f' } }] } }, { text: 'ho' }];
    expect(inShort(responseTexts, { choices })).toEqual([
      'response assistant: hi',
      'toolCall assistant: {"name":"f"}',
      'response assistant: ho',
    ]);
    const content = [
      { type: 'text', text: 'hi' },
      { type: 'tool_use', name: 'f', input: 1 },
    ];
    expect(inShort(responseTexts, { content })).toEqual([
      'response assistant: hi',
      'toolCall assistant: {"name":"f","arguments":1}',
    ]);
    const output = [
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'hi' }] },
      { type: 'function_call', name: 'f', arguments: '{}' },
    ];
    expect(inShort(responseTexts, { output })).toEqual([
      'response assistant: hi',
      'toolCall : {"name":"f","arguments":"{}"}',
    ]);
  });

  it('are found in lists, of requests, answers or messages', () => {
    const asked = [{ model: 'm', prompt: 'a' }, [{ role: 'system', content: 'b' }], 'c'];
    expect(inShort(requestTexts, asked)).toEqual(['prompt user: a', 'system system: b', 'prompt user: c']);
    expect(inShort(responseTexts, [{ choices: [{ text: 'a' }] }])).toEqual(['response assistant: a']);
  });

  it('are found in documents, as far as these are text', () => {
    const base64 = Buffer.from('evil').toString('base64');
    const texts = (part: object): string[] => inShort(requestTexts, { messages: [{ role: 'user', content: [part] }] });
    const source = { type: 'text', media_type: 'text/plain', data: 'evil' };
    expect(texts({ type: 'document', title: 't', context: 'c', source })).toEqual([
      ...['prompt user: t', 'prompt user: c', 'prompt user: evil'],
    ]);
    const content = ['evil', { type: 'text', text: 'more' }];
    expect(texts({ type: 'document', source: { type: 'content', content } })).toEqual([
      ...['prompt user: evil', 'prompt user: more'],
    ]);
    for (const part of [
      { type: 'document', source: { type: 'base64', media_type: 'text/csv', data: base64 } },
      { type: 'file', file: { file_data: `data:text/plain;charset=utf-8;base64,${base64}` } },
      { type: 'input_file', file_data: `data:application/json;base64,${base64}` },
    ])
      expect(texts(part)).toEqual(['prompt user: evil']);
    const result = { type: 'tool_result', content: [{ type: 'document', source }] };
    expect(texts(result)).toEqual(['toolResult user: evil']);
    for (const part of [
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: base64 } },
      { type: 'document', source: { type: 'url', url: 'https://a.test' } },
      { type: 'file', file: { file_id: 'f1' } },
      { type: 'input_file', file_url: 'https://a.test' },
    ])
      expect(() => texts(part)).toThrow(Unreadable);
  });

  it('are none in anything else, and many are put together by their kind', () => {
    for (const body of ['', '[]', '[[], [3]]', 'null', '3', '{"messages":3}', '{"messages":[null,[],{}]}'])
      expect(inShort(requestTexts, body).filter((text) => text !== 'prompt user: 3')).toEqual([]);
    const many = requestTexts(Buffer.from(JSON.stringify({ prompt: Array.from({ length: 1000 }, (_, i) => `t${i}`) })));
    expect([many.length, many.at(-1)?.content.split('\n\n').length]).toEqual([65, 936]);
  });
});

describe('texts that are written in another way', () => {
  const HIDDEN = '{"prompt": "evil"}';
  const utf16 = Buffer.from(HIDDEN, 'utf16le');
  const utf32 = Buffer.concat(Array.from(Buffer.from(HIDDEN), (byte) => Buffer.from([byte, 0, 0, 0])));

  it.each([
    ['a mark of its encoding', Buffer.from(`\ufeff${HIDDEN}`)],
    ['UTF-16', utf16],
    ['UTF-16 with a mark', Buffer.from(`\ufeff${HIDDEN}`, 'utf16le')],
    ['UTF-16, the other way round', Buffer.from(utf16).swap16()],
    ['UTF-32', utf32],
    ['UTF-32, the other way round', Buffer.from(utf32).swap32()],
    ['names in any case', Buffer.from('{"prompt": "good", "Prompt": "evil"}')],
    ['a name with a letter that counts as another', Buffer.from('{"me\u017f\u017fages": [{"Content": "evil"}]}')],
    ['a part of two types', Buffer.from('{"input": [{"type": "tool_use", "Type": "text", "text": "evil"}]}')],
    ['two arguments', Buffer.from('{"input": [{"type": "function_call", "input": 1, "arguments": "evil"}]}')],
  ])('are found: %s', (_, body) => {
    expect(mayHaveTexts(body)).toBe(true);
    expect(requestTexts(body).at(-1)?.content).toMatch(/evil/);
  });

  it.each([['{"prompt": "evil", "x": NaN}'], ['{"prompt": "evil"} and more'], ['  {"prompt": "evil"']])(
    'are shown as they came where only others can read them: %s',
    (body) => {
      expect(inShort(requestTexts, body)).toEqual([`prompt : ${body.trim()}`]);
      expect(inShort(responseTexts, body)).toEqual([`response : ${body.trim()}`]);
    },
  );

  it('show where they begin whether there are any', () => {
    const starts = ['', ' \r\n\t', ' {', '[', '--x', 'data: {}', '\0\0\0\0{', '\x1f\x8b\x08'];
    expect(starts.map((start) => mayHaveTexts(Buffer.from(start, 'latin1')))).toEqual([
      ...[undefined, undefined, true, true, false, false, false, false],
    ]);
  });
});

describe('exchanges with language models', () => {
  const JSON_HEAD = { status: 200, reason: 'OK', headers: ['Content-Type', 'application/json; charset=utf-8'] };
  const post = { method: 'POST', body: true, headers: ['Content-Type', 'application/json', 'Accept-Encoding', 'br'] };
  const blocks = (word: string) => (event: AskedEvent) =>
    event.kind === 'guardrail' && event.content.includes(word) ? block(422) : undefined;

  it('are held until the texts were judged, and then go on as they came', async () => {
    const judge = new FakeJudge(['guardrail']);
    const { begin, client, held, pool } = inspectionLab([judge], { guardrails: true });
    begin(post);
    await turn();
    const body = JSON.stringify(CHAT);
    client.exchange.sendData(Buffer.from(body.slice(0, 20)));
    await turn();
    expect([pool.requests, held.bytes]).toEqual([[], 20]);
    client.exchange.sendData(Buffer.from(body.slice(20)));
    client.exchange.sendEnd();
    await turn();
    expect(judge.seen).toEqual([
      'system be good',
      'prompt hello',
      'toolCall {"name":"f","arguments":"{}"}',
      'toolResult sunny',
    ]);
    expect(judge.asked[1]).toMatchObject({ model: 'm-1', contextJson: '{"role":"user"}' });
    expect(pool.requests[0]?.openHead.headers).toEqual(['Content-Type', 'application/json']);
    expect([pool.last.calls, held.bytes]).toEqual([[`data ${body}`, 'end'], 0]);
  });

  it('are blocked by what is asked, and by what is answered', async () => {
    const judge = new FakeJudge(['guardrail'], blocks('evil'));
    const { begin, client, pool } = inspectionLab([judge], { guardrails: true });
    begin(post);
    await turn();
    client.exchange.sendData(Buffer.from('{"prompt":"evil"}'));
    client.exchange.sendEnd();
    await turn();
    expect([pool.requests, client.calls[1]?.slice(0, 8)]).toEqual([[], 'head 422']);

    begin();
    await turn();
    pool.last.sink.head(JSON_HEAD);
    pool.last.sink.data(Buffer.from('{"choices":[{"text":"evil"}]}'));
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls.slice(-2).map((call) => call.slice(0, 8))).toEqual(['head 422', 'end']);
  });

  it.each([[[]], [['Content-Type', 'text/plain']], [['Content-Type', 'application/json', 'Content-Encoding', 'gzip']]])(
    'are known by how their body begins, whatever its head says: %j',
    async (headers) => {
      const judge = new FakeJudge(['guardrail'], blocks('evil'));
      const { begin, client, pool } = inspectionLab([judge], { guardrails: true });
      begin({ ...post, headers });
      await turn();
      client.exchange.sendData(Buffer.from(' '));
      await turn();
      client.exchange.sendData(Buffer.from('{"prompt":"evil"}'));
      client.exchange.sendEnd();
      const head = await eventually(() => client.calls.find((call) => call.startsWith('head')));
      expect([pool.requests, head.slice(0, 8)]).toEqual([[], 'head 422']);
    },
  );

  it('that are no JSON are not held', async () => {
    const judge = new FakeJudge(['guardrail'], blocks(''));
    const { begin, client, held, pool } = inspectionLab([judge], { guardrails: true });
    begin(post);
    await turn();
    client.exchange.sendData(Buffer.from('gzip'));
    await turn();
    expect([pool.last.calls, held.bytes]).toEqual([['data gzip'], 0]);
    pool.last.sink.head({ ...JSON_HEAD, headers: ['Content-Type', 'text/html'] });
    pool.last.sink.data(Buffer.from('<p>'));
    await turn();
    expect(client.calls.at(-1)).toBe('data <p>');
    expect(judge.asked).toEqual([]);
  });

  it('that are too large to be read are refused, where the agent fails closed', async () => {
    const judge = new FakeJudge(['guardrail']);
    const { begin, client } = inspectionLab([judge], { guardrails: true, maxHeldBytes: 10 });
    begin(post);
    await turn();
    client.exchange.sendData(Buffer.from('{"prompt":"0123456789"}'));
    await turn();
    expect(client.calls.at(-1)).toBe('failed BERTH_BODY_TOO_LARGE');
  });
});
