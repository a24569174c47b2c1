import { once } from 'node:events';
import { type Client, credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { disposable, eventually } from '@berth/testing';
import type { FunctionServer } from '../libs/services/src/server/function-server.js';
import { passBuffer } from '../libs/services/src/server/wire.js';
import { callerOf, echo, Held, portOf, request, startServer } from '../libs/services/testing/function-server.js';

describe('the function server', () => {
  describe('health and reflection', () => {
    interface HealthClient extends Client {
      Check(request: { service: string }, done: (error: unknown, reply: { status: string }) => void): void;
    }
    const healthOf = (server: FunctionServer): HealthClient & AsyncDisposable => {
      const loaded = loadPackageDefinition(loadSync(healthProto, { enums: String }));
      const { Health } = (
        loaded as unknown as { grpc: { health: { v1: { Health: new (...args: unknown[]) => HealthClient } } } }
      ).grpc.health.v1;
      return disposable(new Health(`127.0.0.1:${portOf(server)}`, credentials.createInsecure()), (it) => it.close());
    };
    const check = (client: HealthClient, service: string): Promise<string> =>
      new Promise((resolve) => {
        client.Check({ service }, (error, reply) => {
          resolve(error === null ? reply.status : String((error as { code: number }).code));
        });
      });

    it('health: SERVING for the server and oprc.OprcFunction, NOT_FOUND for others', async () => {
      await using stack = new AsyncDisposableStack();
      await using client = healthOf(stack.use(await startServer(echo)));
      expect(await check(client, '')).toBe('SERVING');
      expect(await check(client, 'oprc.OprcFunction')).toBe('SERVING');
      expect(await check(client, 'another')).toBe('5');
    });

    it('health: a watcher hears NOT_SERVING before a stopping server lets go of it', async () => {
      const held = new Held();
      await using server = await startServer(held.handler);
      await using client = healthOf(server);
      const seen: string[] = [];
      const watch = (client as unknown as { Watch(request: object): NodeJS.EventEmitter }).Watch({ service: '' });
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
      // ServerReflectionRequest{list_services = ""}; the names are plain text in the response.
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const stream = caller.client.makeBidiStreamRequest(path, passBuffer, passBuffer, new Metadata());
      stream.end(Buffer.from([0x3a, 0x00]));
      const [answer] = (await once(stream, 'data')) as [Buffer];
      await once(stream, 'end');
      expect(answer.toString('latin1')).toContain('oprc.OprcFunction');
      expect(answer.toString('latin1')).toContain('grpc.health.v1.Health');
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
      expect(await check(stack.use(healthOf(server)), '')).toBe('12');
    });
  });
});
