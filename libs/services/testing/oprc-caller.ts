import {
  type ChannelCredentials,
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status as Grpc,
} from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { protoFile } from '@berth/node-runtime';
import type { Invocation, InvocationReply } from '../src/invocation/invocation.js';
import { INVOKE_FN_PATH, INVOKE_OBJ_PATH, passBuffer } from '../src/wire/requests.js';

const root = protobuf.loadSync(protoFile('oprc/oprc.proto'));

/** The messages as any other implementation would load them. */
export const FunctionRequest = root.lookupType('oprc.InvocationRequest');
export const ObjectRequest = root.lookupType('oprc.ObjectInvocationRequest');
export const Response = root.lookupType('oprc.InvocationResponse');

/** An InvocationResponse as tests speak of it. */
export interface Answer {
  status: string;
  text: string;
  headers: Record<string, string>;
  invocationId: string;
}

export function answerOf(bytes: Buffer): Answer {
  const message = Response.toObject(Response.decode(bytes), {
    enums: String,
    defaults: true,
    arrays: true,
    objects: true,
  });
  return {
    status: String(message['status']),
    text: Buffer.from((message['payload'] as Uint8Array | undefined) ?? []).toString(),
    headers: message['headers'] as Record<string, string>,
    invocationId: String(message['invocationId']),
  };
}

/** A gRPC client that knows nothing of ours but the proto file. */
export class OprcCaller {
  readonly client: Client;

  constructor(port: number, channel: ChannelCredentials = credentials.createInsecure(), options: ClientOptions = {}) {
    this.client = new Client(`127.0.0.1:${port}`, channel, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      ...options,
    });
  }

  invokeFn(fields: Record<string, unknown>, deadlineMs?: number): Promise<Answer> {
    return this.send(
      INVOKE_FN_PATH,
      Buffer.from(FunctionRequest.encode(FunctionRequest.create(fields)).finish()),
      deadlineMs,
    );
  }

  invokeObj(fields: Record<string, unknown>, deadlineMs?: number): Promise<Answer> {
    const message = ObjectRequest.fromObject(fields);
    return this.send(INVOKE_OBJ_PATH, Buffer.from(ObjectRequest.encode(message).finish()), deadlineMs);
  }

  /** @returns the answer; rejects with grpc-js's ServiceError */
  send(path: string, bytes: Buffer, deadlineMs?: number): Promise<Answer> {
    return this.call(path, bytes, deadlineMs).answer;
  }

  call(path: string, bytes: Buffer, deadlineMs?: number): { answer: Promise<Answer>; cancel: () => void } {
    let cancel = (): void => undefined;
    const answer = new Promise<Answer>((resolve, reject: (error: ServiceError) => void) => {
      const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
      const call = this.client.makeUnaryRequest(
        path,
        passBuffer,
        answerOf,
        bytes,
        new Metadata(),
        options,
        (error, reply) => {
          if (error !== null) reject(error);
          else if (reply !== undefined) resolve(reply);
        },
      );
      cancel = () => {
        call.cancel();
      };
    });
    return { answer, cancel };
  }

  close(): void {
    this.client.close();
  }
}

/** How a call failed: the name of its gRPC status and the trailer `berth-code`. */
export async function failureOf(answer: Promise<unknown>): Promise<{ status: string; code: unknown; details: string }> {
  try {
    const value = await answer;
    throw new Error(`it did not fail: ${JSON.stringify(value)}`);
  } catch (thrown) {
    const { code, details, metadata } = thrown as ServiceError;
    if (typeof code !== 'number') throw thrown;
    return { status: Grpc[code], code: metadata.get('berth-code')[0], details };
  }
}

/** A reply with a text. */
export function textReply({ id }: Invocation, text: string): InvocationReply {
  return { status: 0, payload: Buffer.from(text), headers: {}, invocationId: id };
}
