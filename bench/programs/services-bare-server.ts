/** The same proto on grpc-js alone, with a handler that answers at once; prints its port. */
import { loadPackageDefinition, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { promisify } from 'node:util';
import { protoFile } from '@berth/node-runtime';
import { endWithParent } from './lifeline.js';

interface Oprc {
  readonly oprc: { readonly OprcFunction: { readonly service: ServiceDefinition } };
}

endWithParent();
const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
const { oprc } = loadPackageDefinition(loadSync(protoFile('oprc/oprc.proto'), options)) as unknown as Oprc;
const server = new Server();
const answer = (_call: unknown, done: (error: null, reply: object) => void): void => done(null, {});
server.addService(oprc.OprcFunction.service, { InvokeFn: answer, InvokeObj: answer });
const bind = promisify(server.bindAsync.bind(server));
console.log(`port ${await bind('127.0.0.1:0', ServerCredentials.createInsecure())}`);
