import { setImmediate as turn } from 'node:timers/promises';
import type { AskedEvent } from '@berth/policy-agents';
import fc from 'fast-check';
import { eventually } from '@berth/testing';
import { block, FakeJudge, gate, inspectionLab } from '../../../testing/inspection-lab.js';
import { StreamTexts } from './stream-texts.js';
import type { StreamKind } from './text-reader.js';

const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const delta = (content: string): string => event({ choices: [{ index: 0, delta: { content } }] });
const inShort = (text: string, kind: StreamKind = 'events'): string[] =>
  StreamTexts.all(kind, Buffer.from(text)).map(({ content, contentType }) => `${contentType}: ${content}`);

describe('texts of a streamed answer', () => {
  it('are found in chat completions, each choice and each call of a tool by itself', () => {
    const call = (text: string) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 1, function: { name: 'f', arguments: text } }] } }],
    });
    const stream = [
      ...[delta('he'), event({ choices: [{ index: 1, delta: { content: 'ho' } }] }), delta('llo')],
      ...[event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }), event(call('{"a"')), event('[DONE]')],
    ];
    expect(inShort(stream.join(''))).toEqual(['response: hello', 'response: ho', 'toolCall: f{"a"']);
  });

  it('are found in messages, in responses, and in lines of JSON', () => {
    const messages = [
      { type: 'message_start', message: { id: 'm', role: 'assistant', content: [], model: 'm-1' } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
      { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 't', name: 'f', input: {} } },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"a":1}' } },
      { type: 'message_stop' },
    ];
    expect(
      inShort(messages.map((one) => `event: ${one.type}\r\ndata: ${JSON.stringify(one)}\r\n\r\n`).join('')),
    ).toEqual(['response: hi', 'toolCall: f{"a":1}']);
    const responses = [
      { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'hi' },
      { type: 'response.function_call_arguments.delta', output_index: 1, delta: '{}' },
    ];
    expect(inShort(responses.map(event).join(''))).toEqual(['response: hi', 'toolCall: {}']);
    const completed = { output: [{ type: 'message', content: [{ type: 'output_text', text: 'hi' }] }] };
    expect(inShort(event({ type: 'response.completed', response: completed }))).toEqual(['response: hi']);
    const lines = [{ message: { content: 'h' } }, { response: 'i' }, { done: true }].map((one) => JSON.stringify(one));
    expect(inShort(lines.join('\n'), 'lines')).toEqual(['response: hi']);
  });

  it('are what is no JSON as it is; data may stand in several lines, and the last event may lack its end', () => {
    expect(inShort('\ufeffdata: evil {\n\n: comment\n\ndata: {"choices":\ndata: [{"text":"x"}]}')).toEqual([
      'response: evil {x',
    ]);
  });

  it('are found beside what is no object, or of no type', () => {
    const odd = { type: { toString: 1 }, choices: [null, 1, { text: 'x' }] };
    expect(inShort([event('null'), event('7'), event(odd)].join(''))).toEqual(['response: x']);
    expect(inShort(['null', '{"response":"x"}'].join('\n'), 'lines')).toEqual(['response: x']);
  });

  it('are an event itself that is too deep', () => {
    const deep = `{"content":${'['.repeat(100_000)}1${']'.repeat(100_000)}}`;
    expect(inShort(event(deep))).toEqual([`response: ${deep}`]);
  });

  it('keep nothing of the memory in which they came', async () => {
    const reader = new StreamTexts('events');
    for (const part of [delta('hi').slice(0, 20), delta('hi').slice(20)]) {
      const bytes = Buffer.from(part);
      reader.push(bytes);
      bytes.fill(0);
    }
    const [text] = await reader.take(() => Buffer.alloc(0), true);
    expect(text?.content).toBe('hi');
  });

  it('are the same however they are cut', () => {
    const stream = Buffer.from(
      [delta('hé'), ': ping\n\n', delta('llo'), event('[DONE]')].join('').replaceAll('\n', '\r\n'),
    );
    return fc.assert(
      fc.asyncProperty(fc.array(fc.nat(stream.length)), async (places) => {
        const reader = new StreamTexts('events');
        let whole = 0;
        let pushed = 0;
        for (const at of [...places.sort((a, b) => a - b), stream.length]) {
          const count = reader.push(stream.subarray(pushed, at));
          if (count > 0) whole = pushed + count;
          pushed = at;
        }
        expect(whole).toBe(stream.length);
        expect(reader.isClear).toBe(false);
        const [text] = await reader.take(() => stream, false);
        expect(text?.content).toBe('héllo');
      }),
    );
  });
});

describe('a streamed answer of a language model', () => {
  const HEAD = { status: 200, reason: 'OK', headers: ['Content-Type', 'text/event-stream'] };
  const long = 'x'.repeat(600);

  async function begun(
    replies?: (event: AskedEvent) => ReturnType<typeof block>,
    failsOpen = false,
    maxHeldBytes = 100_000,
  ) {
    const judge = new FakeJudge(['guardrail'], replies);
    judge.failsOpen = failsOpen;
    const lab = inspectionLab([judge], { guardrails: true, maxHeldBytes });
    lab.begin();
    await turn();
    const send = async (text: string): Promise<void> => {
      lab.pool.last.sink.data(Buffer.from(text));
      await turn();
    };
    lab.pool.last.sink.head(HEAD);
    return { ...lab, judge, send };
  }
  const blocks = (word: string) => (asked: AskedEvent) =>
    asked.kind === 'guardrail' && asked.content.includes(word) ? block(422) : undefined;

  it('goes on a window after the other, each when it was judged, and all at its end', async () => {
    const { client, held, judge, pool, send } = await begun();
    await send(': here\n\n');
    expect(client.calls.slice(1)).toEqual(['head 200 Content-Type text/event-stream', 'data : here\n\n']);
    await send(delta('hel'));
    expect([client.calls.length, held.bytes]).toEqual([3, delta('hel').length]);
    await send(delta(long));
    expect(client.calls.slice(3)).toEqual([`data ${delta('hel')}${delta(long)}`]);
    expect([judge.seen, held.bytes]).toEqual([[`response hel${long}`], 0]);
    await send(delta('lo'));
    expect(client.calls).toHaveLength(4);
    pool.last.sink.end(undefined);
    await turn();
    // What came before is shown again, as far as a window goes.
    expect(judge.seen.at(-1)).toBe(`response ${`hel${long}`.slice(-512)}lo`);
    expect(client.calls.slice(4)).toEqual([`data ${delta('lo')}`, 'end']);
  });

  it('goes on when no more comes for now', async () => {
    const { client, judge, send } = await begun();
    await send(delta('hi'));
    await eventually(() => client.calls.length === 3);
    expect(judge.seen).toEqual(['response hi']);
    await send(delta('ho').slice(0, 20));
    await send(delta('ho').slice(20));
    await eventually(() => client.calls.length === 4);
    expect(judge.seen.at(-1)).toBe('response hiho');
  });

  it('is blocked as a whole by its first window, and broken off by a later one', async () => {
    const first = await begun(blocks('evil'));
    await first.send(delta(`evil${long}`));
    expect(first.client.calls.slice(1).map((call) => call.slice(0, 8))).toEqual(['head 422', 'end']);

    const later = await begun(blocks('evil'));
    await later.send(delta(`${long}ev`));
    await later.send(delta(`il${long}`));
    expect(later.client.calls.slice(-2).map((call) => call.slice(0, 12))).toEqual(['data data: {', 'failed BERTH']);
    expect(later.held.bytes).toBe(0);
  });

  it('waits while the agent is asked, with what comes meanwhile, and lets go of all when the client leaves', async () => {
    const { open, wait } = gate();
    const { client, held, judge, pool, send } = await begun();
    judge.replies = () => wait.then(() => undefined);
    await send(delta(long));
    await send(delta('more'));
    expect([client.calls.length, judge.asked.length]).toEqual([1, 1]);
    open();
    await turn();
    expect([client.calls.length, held.bytes]).toEqual([3, delta('more').length]);
    client.exchange.discard();
    pool.last.sink.end(undefined);
    await turn();
    expect(held.bytes).toBe(0);
  });

  /** A client has taken nothing of much that went on to it, and `text` waits to be judged behind that. */
  async function behindMuch(text: string, replies: FakeJudge['replies']) {
    const { open, wait } = gate();
    const it = await begun(undefined, false, 1_000_000);
    const { client, held, judge, send } = it;
    client.takes = false;
    judge.replies = () => wait.then(() => undefined);
    await send(delta('x'.repeat(300_000)));
    await send(delta(text));
    judge.replies = replies;
    open();
    await turn();
    expect([client.calls.length, held.bytes]).toEqual([3, delta(text).length]);
    const takeAll = (): void => {
      client.takes = true;
      client.exchange.consumed(delta('x'.repeat(300_000)).length);
    };
    return { ...it, takeAll };
  }

  it('comes whole to a client that takes its time', async () => {
    const { client, judge, pool, send, takeAll } = await behindMuch('one', () => undefined);
    await send(delta('two'));
    await eventually(() => judge.asked.length === 2);
    pool.last.sink.end(undefined);
    await turn();
    expect(client.calls).toHaveLength(3);
    takeAll();
    await eventually(() => client.calls.at(-1) === 'end');
    expect(client.calls.slice(3, -1).map((call) => call.slice('data '.length))).toEqual([delta('one') + delta('two')]);
  });

  it('passes nothing on that came while the window before it was judged', async () => {
    const { open, wait } = gate();
    const { client, judge, send, takeAll } = await behindMuch(
      'one',
      (asked) => blocks('evil')(asked) ?? wait.then(() => undefined),
    );
    await send(delta('evil'));
    await eventually(() => judge.asked.length === 2);
    takeAll();
    await turn();
    open();
    await eventually(() => client.calls.at(-1)?.startsWith('failed') === true);
    expect(client.calls.join('')).not.toContain('evil');
  });

  it.each([true, false])(
    'of which one event is larger than may be held goes by the rule of the agent: open %s',
    async (open) => {
      const { client, held, judge, send } = await begun(undefined, open, 100);
      await send(delta('a'.repeat(200)).slice(0, 90));
      expect([client.calls.length, held.bytes]).toEqual([1, 90]);
      await send('a'.repeat(20));
      await send('b');
      expect([judge.told[0], held.bytes]).toEqual(['unseen guardrail', 0]);
      if (open) expect(client.calls.slice(-2)).toEqual([`data ${'a'.repeat(20)}`, 'data b']);
      else expect(client.calls.at(-1)).toBe('failed BERTH_POLICY_UNAVAILABLE');
    },
  );
});
