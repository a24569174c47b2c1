import { once } from 'node:events';
import { Metadata } from '@grpc/grpc-js';
import { eventually } from '@berth/testing';
import { passBuffer } from '../libs/services/src/wire/requests.js';
import { checkHealth, healthClient, listServices } from '../libs/services/testing/health-caller.js';
import { callerOf, echo, Held, portOf, request, startServer } from '../libs/services/testing/function-server.js';

describe('the function server', () => {
  describe('health and reflection', () => {
    it('health: SERVING for the server and oprc.OprcFunction, NOT_FOUND for others', async () => {
      await using stack = new AsyncDisposableStack();
      await using client = healthClient(portOf(stack.use(await startServer(echo))));
      expect(await checkHealth(client, '')).toBe('SERVING');
      expect(await checkHealth(client, 'oprc.OprcFunction')).toBe('SERVING');
      expect(await checkHealth(client, 'another')).toBe('5');
    });

    it('health: a watcher hears NOT_SERVING before a stopping server lets go of it', async () => {
      const held = new Held();
      await using server = await startServer(held.handler);
      await using client = healthClient(portOf(server));
      const seen: string[] = [];
      const watch = client.Watch({ service: '' });
      watch.on('data', ({ status }: { status: string }) => seen.push(status));
      watch.on('error', () => undefined);
      const over = once(watch, 'end');
      await eventually(() => seen.length === 1);
      await using stack = new AsyncDisposableStack();
      const running = stack.use(callerOf(server)).invokeFn(request('m'));
      const { end } = await held.nth(0);
      const stopped = server.stop();
      await eventually(() => seen.length === 2);
      end();
      expect((await running).text).toBe('ended');
      await Promise.all([over, stopped]);
      expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
    });

    it.each(['v1', 'v1alpha'])('reflection %s names both services', async (version) => {
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(stack.use(await startServer(echo)));
      const answer = await listServices(caller.client, version);
      expect(answer).toContain('oprc.OprcFunction');
      expect(answer).toContain('grpc.health.v1.Health');
    });

    it('reflection describes maps and optional fields as protoc does: grpcurl refuses others', async () => {
      await using stack = new AsyncDisposableStack();
      await using caller = callerOf(stack.use(await startServer(echo)));
      const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
      const stream = caller.client.makeBidiStreamRequest(path, passBuffer, passBuffer, new Metadata());
      // ServerReflectionRequest{file_containing_symbol = "oprc.OprcFunction"}
      const symbol = Buffer.from('oprc.OprcFunction');
      stream.end(Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]));
      const [answer] = (await once(stream, 'data')) as [Buffer];
      await once(stream, 'end');
      const text = answer.toString('latin1');
      expect(text).toContain('.oprc.InvocationRequest.OptionsEntry');
      expect(text).toContain('.oprc.InvocationResponse.HeadersEntry');
      // object_id and payload: FieldDescriptorProto.proto3_optional is field 17.
      expect(text.split('\x88\x01\x01')).toHaveLength(3);
    });

    it('both can be left out', async () => {
      await using server = await startServer(echo, { health: false, reflection: false });
      await using stack = new AsyncDisposableStack();
      expect(await checkHealth(stack.use(healthClient(portOf(server))), '')).toBe('12');
    });
  });
});
