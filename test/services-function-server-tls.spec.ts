import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as http2Connect } from 'node:http2';
import { connect } from 'node:net';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { silentLog } from '@berth/observability';
import { disposable } from '@berth/testing';
import { TestCa } from '@berth/testing/system';
import { FunctionServer } from '../libs/services/src/server/function-server.js';
import { callerOf, echo, portOf, request, startServer } from '../libs/services/testing/function-server.js';
import { ended, framed, open } from '../libs/services/testing/h2-caller.js';
import { failureOf } from '../libs/services/testing/oprc-caller.js';

describe('the function server', () => {
  describe('TLS', () => {
    const ca = new TestCa();
    const other = new TestCa('another CA');
    const own = ca.issue('server', 'IP:127.0.0.1');
    afterAll(() => {
      ca.remove();
      other.remove();
    });
    const read = (file: string | undefined): Buffer | null => (file === undefined ? null : readFileSync(file));
    const channel = (pair?: { certFile: string; keyFile: string }, trusted = ca): ChannelCredentials =>
      credentials.createSsl(read(trusted.caFile), read(pair?.keyFile), read(pair?.certFile));

    it('B3: tls: serves who trusts it, and nobody in plaintext', async () => {
      await using server = await startServer(echo, { tls: own });
      expect(server.info().mode).toBe('tls');
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(callerOf(server, channel())).invokeFn(request('m'))).status).toBe('OKAY');
      expect(
        (await failureOf(stack.use(callerOf(server, channel(undefined, other))).invokeFn(request('m')))).status,
      ).toBe('UNAVAILABLE');
      expect((await failureOf(stack.use(callerOf(server)).invokeFn(request('m')))).status).toBe('UNAVAILABLE');
    });

    it('B2: a connection that is silent in its handshake does not hold up the stop', async () => {
      await using server = await startServer(echo, { tls: own });
      const silent = connect(server.info().port ?? 0, '127.0.0.1');
      const closed = once(silent, 'close');
      silent.on('error', () => undefined);
      await once(silent, 'connect');
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(callerOf(server, channel())).invokeFn(request('m'))).status).toBe('OKAY');
      // Far beyond the test's own time, should it wait for it.
      await server.stop({ timeoutMs: 600_000 });
      await closed;
    });

    it('what callers can cost is bounded as without TLS', async () => {
      await using server = await startServer(echo, { tls: own, transferTimeoutMs: 1000 });
      const address = `https://127.0.0.1:${portOf(server)}`;
      await using on = disposable(http2Connect(address, { ca: readFileSync(ca.caFile) }), (it) => it.destroy());
      const stalled = open(on);
      stalled.write(framed({ payload: Buffer.alloc(1024) }).subarray(0, 100));
      expect(await ended(stalled)).toBe('reset 8');
    });

    it('B3: mutual-tls: only certificates of the CA', async () => {
      await using server = await startServer(echo, { tls: { ...own, clientCaFile: ca.caFile } });
      expect(server.info().mode).toBe('mutual-tls');
      await using stack = new AsyncDisposableStack();
      expect((await stack.use(callerOf(server, channel(ca.issue('client')))).invokeFn(request('m'))).status).toBe(
        'OKAY',
      );
      expect((await failureOf(stack.use(callerOf(server, channel())).invokeFn(request('m')))).status).toBe(
        'UNAVAILABLE',
      );
      expect(
        (await failureOf(stack.use(callerOf(server, channel(other.issue('client')))).invokeFn(request('m')))).status,
      ).toBe('UNAVAILABLE');
    });

    it.each([
      [{ certFile: '/nowhere/c.pem', keyFile: own.keyFile }, 'tls.certFile: cannot read /nowhere/c.pem'],
      [{ certFile: own.certFile, keyFile: '/nowhere/k.pem' }, 'tls.keyFile: cannot read /nowhere/k.pem'],
      [{ certFile: own.keyFile, keyFile: own.keyFile }, 'tls.certFile: '],
      [{ certFile: own.certFile, keyFile: own.certFile }, 'tls.keyFile: '],
      [{ certFile: own.certFile, keyFile: ca.issue('x').keyFile }, 'is not the key of'],
      [{ ...own, clientCaFile: own.keyFile }, 'tls.clientCaFile: '],
      [{ ...own, clientCaFile: '' }, 'tls.clientCaFile must name a file'],
      [{ ...own, keyFile: '' }, 'tls.certFile and tls.keyFile must name files'],
    ])('B1: files that cannot be used are named: %#', async (tls, message) => {
      const server = new FunctionServer(echo, { tls }, silentLog);
      const failure = server.start({ port: 0 });
      await expect(failure).rejects.toThrow(message);
      await expect(failure).rejects.toMatchObject({ code: 'BERTH_FUNCTION_SERVER_FAILED' });
      expect(server.isRunning()).toBe(false);
    });
  });
});
