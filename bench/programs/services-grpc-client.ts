/**
 * Calls `InvokeFn` of an empty method on the port it is asked about, with grpc-js
 * and a request that is encoded once, over one connection for each port.
 */
import { Client, credentials } from '@grpc/grpc-js';
import { closedLoop, type Load } from '../lib/closed-loop.js';
import { endWithParent } from './lifeline.js';
import { answerQuestions } from './questions.js';

const PATH = '/oprc.OprcFunction/InvokeFn';
const CLASS = 3;
const FUNCTION = 4;
/** The first field of a reply without payload whose status is OKAY: `invocation_id`. */
const ONLY_ID = 0x22;

const request = Buffer.concat([field(CLASS, 'bench.Empty'), field(FUNCTION, 'served')]);
const clients = new Map<number, Client>();

function field(number: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)]);
}

function clientOf(port: number): Client {
  let client = clients.get(port);
  if (client === undefined) {
    client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    clients.set(port, client);
  }
  return client;
}

const pass = (bytes: Buffer): Buffer => bytes;

async function call(client: Client): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(PATH, pass, pass, request, (error, reply) => {
      if (error !== null) reject(error);
      else if (reply !== undefined && reply.length > 0 && reply[0] !== ONLY_ID) reject(new Error(reply.toString()));
      else resolve();
    });
  });
}

endWithParent();
answerQuestions(async ({ port, ...load }: Load & { readonly port: number }) => {
  const client = clientOf(port);
  return await closedLoop(load, async () => await call(client));
});
