import { once } from 'node:events';
import { connect as http2Connect } from 'node:http2';
import { disposable, eventually } from '@berth/testing';
import type { Invocation } from '../libs/services/src/invocation/invocation.js';
import { INVOKE_FN_PATH } from '../libs/services/src/wire/requests.js';
import {
  bytesOf,
  callerOf,
  echo,
  Held,
  portOf,
  request,
  startServer,
} from '../libs/services/testing/function-server.js';
import { failureOf } from '../libs/services/testing/oprc-caller.js';

describe('the function server', () => {
  describe('deadlines and cancels', () => {
    it('a deadline that passes is DEADLINE_EXCEEDED and aborts the signal', async () => {
      const signals: AbortSignal[] = [];
      await using server = await startServer((_invocation, _entry, cancellation) => {
        if (cancellation !== undefined) signals.push(cancellation.signal);
        return new Promise(() => undefined);
      });
      await using caller = callerOf(server);
      let failure: { status: string } | undefined;
      // On a busy machine a call may be over before it gets there.
      for (let ms = 300; signals.length === 0; ms *= 2) failure = await failureOf(caller.invokeFn(request('m'), ms));
      expect(failure?.status).toBe('DEADLINE_EXCEEDED');
      await eventually(() => signals[0]?.aborted);
    });

    it('a deadline that passes at the server first is the reason of the signal, and the status', async () => {
      const held = new Held();
      await using server = await startServer(held.handler);
      // Unlike a gRPC client, this one does not cancel at its own deadline, which is a little earlier.
      await using session = disposable(http2Connect(`http://127.0.0.1:${portOf(server)}`), (it) => it.destroy());
      const stream = session.request({
        ':method': 'POST',
        ':path': INVOKE_FN_PATH,
        'content-type': 'application/grpc',
        'grpc-timeout': '200m',
        te: 'trailers',
      });
      const message = bytesOf(request('m'));
      stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
      expect(headers['grpc-status']).toBe('4');
      expect((await held.nth(0)).signal().reason).toMatchObject({ code: 'BERTH_SERVICE_TIMEOUT' });
    });

    it('a deadline further away than 24 days is no deadline that has passed', async () => {
      const seen: Invocation[] = [];
      await using server = await startServer((invocation) => {
        seen.push(invocation);
        return echo(invocation, 'server');
      });
      // As 32 bits of milliseconds it would be negative.
      const days40 = 40 * 86_400_000;
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(callerOf(server)).invokeFn(request('m'), days40)).status).toBe('OKAY');
      expect((seen[0]?.deadline ?? 0) - Date.now()).toBeGreaterThan(20 * 86_400_000);
    });

    it('a caller that leaves aborts the signal; one that gets its reply does not', async () => {
      const held = new Held();
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(stack.use(await startServer(held.handler)));
      const { answer, cancel } = caller.call(INVOKE_FN_PATH, bytesOf(request('m')));
      const failure = failureOf(answer);
      const signal = (await held.nth(0)).signal();
      cancel();
      expect((await failure).status).toBe('CANCELLED');
      await eventually(() => signal.aborted);
      expect(signal.reason).toMatchObject({ code: 'BERTH_SERVICE_CANCELLED' });
      held.calls[0]?.end();

      const kept = caller.invokeFn(request('m'));
      const second = await held.nth(1);
      const untouched = second.signal();
      second.end();
      await kept;
      // A further call gives the end of the one before time to be told.
      const after = caller.invokeFn(request('n'));
      (await held.nth(2)).end();
      await after;
      expect(untouched.aborted).toBe(false);
    });
  });
});
