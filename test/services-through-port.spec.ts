import { once } from 'node:events';
import { eventually, owning } from '@berth/testing';
import { type TestAgent, testAgent, testGateway, type TestGateway } from '@berth/testing/system';
import type { InvocationHandler } from '../libs/services/src/invocation/invocation-handler.js';
import type { FunctionServer } from '../libs/services/src/server/function-server.js';
import type { FunctionServerOptions } from '../libs/services/src/server/server-options.js';
import { INVOKE_FN_PATH } from '../libs/services/src/wire/requests.js';
import { bytesOf, echo, Held, portOf, request, startServer } from '../libs/services/testing/function-server.js';
import { checkHealth, healthClient, listServices } from '../libs/services/testing/health-caller.js';
import { failureOf, OprcCaller } from '../libs/services/testing/oprc-caller.js';

interface Behind extends AsyncDisposable {
  caller: OprcCaller;
  server: FunctionServer;
  gateway: TestGateway;
  agent: TestAgent;
}

/** A function server beside an agent, and a caller at the agent's port. */
async function behind(
  handler: InvocationHandler,
  options: FunctionServerOptions = {},
  maxStreams = 100,
): Promise<Behind> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startServer(handler, options));
  const gateway = stack.use(await testGateway({ ingress: { http2: { clear: true, maxStreams } } }));
  const agent = stack.use(await testAgent(gateway, `h2c://127.0.0.1:${portOf(server)}`));
  const caller = stack.adopt(new OprcCaller(agent.port), (it) => {
    it.close();
  });
  return owning({ caller, server, gateway, agent }, stack);
}

describe('a function server through the port of an agent', () => {
  it('B13: functions and objects are called, with their options, headers and ids', async () => {
    const held = new Held();
    await using lab = await behind((invocation) =>
      invocation.objectId === undefined ? echo(invocation, 'server') : held.handler(invocation, 'server'),
    );
    const answer = await lab.caller.invokeFn({ ...request('f', Buffer.from('grüße')), options: { a: 'ü' } });
    expect(answer).toMatchObject({ status: 'OKAY', text: 'grüße', headers: { h: '1' } });
    const waiting = lab.caller.invokeObj({ ...request('m'), objectId: '18446744073709551615' });
    const { invocation, end } = await held.nth(0);
    expect(invocation).toMatchObject({ service: 'a.B', method: 'm', objectId: '18446744073709551615' });
    end();
    expect(await waiting).toMatchObject({ text: 'ended', invocationId: invocation.id });
  });

  it('statuses arrive with the code in their trailers', async () => {
    const held = new Held();
    await using lab = await behind(held.handler, { maxConcurrentCalls: 1, maxQueuedCalls: 0 });
    const running = lab.caller.invokeFn(request('m'));
    await held.nth(0);
    expect(await failureOf(lab.caller.invokeFn(request('n')))).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      code: 'BERTH_SERVICE_BUSY',
      details: expect.stringContaining('maxQueuedCalls'),
    });
    held.calls[0]?.end();
    await running;
    expect((await failureOf(lab.caller.send('/oprc.OprcFunction/None', Buffer.alloc(0)))).status).toBe('UNIMPLEMENTED');
  });

  it('a deadline is the one of the call, and ends it at both ends', async () => {
    const held = new Held();
    await using lab = await behind(held.handler);
    const before = Date.now();
    const answer = failureOf(lab.caller.invokeFn(request('m'), 500));
    const { invocation, signal } = await held.nth(0);
    const seen = signal();
    expect(invocation.deadline).toBeGreaterThan(before);
    expect(invocation.deadline).toBeLessThan(before + 1500);
    expect((await answer).status).toBe('DEADLINE_EXCEEDED');
    await eventually(() => seen.aborted);
  });

  it('a caller that leaves is told to the method, and to no other call', async () => {
    const held = new Held();
    await using lab = await behind(held.handler);
    const leaving = lab.caller.call(INVOKE_FN_PATH, bytesOf(request('m')));
    const left = failureOf(leaving.answer);
    const signal = (await held.nth(0)).signal();
    const staying = lab.caller.invokeFn(request('n'));
    const other = await held.nth(1);
    const kept = other.signal();
    leaving.cancel();
    expect((await left).status).toBe('CANCELLED');
    await eventually(() => signal.aborted);
    expect(signal.reason).toMatchObject({ code: 'BERTH_SERVICE_CANCELLED' });
    expect(kept.aborted).toBe(false);
    other.end();
    expect((await staying).text).toBe('ended');
  });

  it('payloads of 4 MiB go both ways, several at once', async () => {
    await using lab = await behind(echo);
    const payloads = ['a', 'b', 'c', 'd'].map((letter) => Buffer.alloc(4 * 1024 * 1024 - 200, letter));
    const answers = await Promise.all(payloads.map((payload) => lab.caller.invokeFn(request('m', payload))));
    expect(answers.map(({ text }, i) => text === String(payloads[i]))).toEqual([true, true, true, true]);
    const failure = await failureOf(lab.caller.invokeFn(request('m', Buffer.alloc(5 * 1024 * 1024))));
    expect(failure).toMatchObject({
      status: 'RESOURCE_EXHAUSTED',
      details: expect.stringContaining('larger than max'),
    });
    expect((await lab.caller.invokeFn(request('m'))).status).toBe('OKAY');
  });

  it('requests that are answered before they end leave their places on the connection', async () => {
    await using lab = await behind(echo, { maxMessageBytes: 64 * 1024 }, 2);
    for (let i = 0; i < 10; i += 1)
      expect((await failureOf(lab.caller.invokeFn(request('m', Buffer.alloc(5 * 1024 * 1024))))).status).toBe(
        'RESOURCE_EXHAUSTED',
      );
    expect((await lab.caller.invokeFn(request('m'), 2000)).status).toBe('OKAY');
  });

  it('health is asked and watched, and reflection names the services', async () => {
    await using lab = await behind(echo);
    await using health = healthClient(lab.agent.port);
    expect(await checkHealth(health, 'oprc.OprcFunction')).toBe('SERVING');
    const seen: string[] = [];
    const watch = health.Watch({ service: '' });
    watch.on('data', ({ status }: { status: string }) => seen.push(status));
    watch.on('error', () => undefined);
    const over = once(watch, 'end');
    await eventually(() => seen.length === 1);
    expect(await listServices(lab.caller.client, 'v1')).toContain('oprc.OprcFunction');
    await Promise.all([lab.server.stop(), over]);
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
  });

  it('a server that is away leaves calls unrun, and serves again when it is back', async () => {
    await using lab = await behind(echo);
    const { port = 0 } = lab.server.info();
    await lab.server.stop();
    expect(await failureOf(lab.caller.invokeFn(request('m')))).toMatchObject({
      status: 'UNAVAILABLE',
      details: expect.stringContaining('BERTH_LOCAL_SERVICE_UNREACHABLE'),
    });
    await lab.server.start({ port });
    await eventually(async () => (await lab.caller.invokeFn(request('m'))).status === 'OKAY');
  });
});
