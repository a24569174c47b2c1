import { once } from 'node:events';
import { type Client, credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { disposable } from '@berth/testing';
import { passBuffer } from '../src/wire/requests.js';

/** A client of `grpc.health.v1.Health`. */
export interface HealthClient extends Client {
  Check(request: { service: string }, done: (error: unknown, reply: { status: string }) => void): void;
  Watch(request: { service: string }): NodeJS.EventEmitter;
}

export function healthClient(port: number): HealthClient & AsyncDisposable {
  const loaded = loadPackageDefinition(loadSync(healthProto, { enums: String }));
  const { Health } = (
    loaded as unknown as { grpc: { health: { v1: { Health: new (...args: unknown[]) => HealthClient } } } }
  ).grpc.health.v1;
  return disposable(new Health(`127.0.0.1:${port}`, credentials.createInsecure()), (it) => it.close());
}

/** @returns the status of a service, or the number of the gRPC status with which the question failed */
export function checkHealth(client: HealthClient, service: string): Promise<string> {
  return new Promise((resolve) => {
    client.Check({ service }, (error, reply) => {
      resolve(error === null ? reply.status : String((error as { code: number }).code));
    });
  });
}

/** What reflection answers when it is asked for all services; their names are plain text in it. */
export async function listServices(client: Client, version: string): Promise<string> {
  const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
  const stream = client.makeBidiStreamRequest(path, passBuffer, passBuffer, new Metadata());
  // ServerReflectionRequest{list_services = ""}
  stream.end(Buffer.from([0x3a, 0x00]));
  const [answer] = (await once(stream, 'data')) as [Buffer];
  await once(stream, 'end');
  return answer.toString('latin1');
}
