import type { ChannelCredentials } from '@grpc/grpc-js';
import { silentLog } from '@berth/observability';
import { disposable, eventually } from '@berth/testing';
import type { InvocationHandler } from '../src/invocation/invocation-handler.js';
import type { Invocation, InvocationReply } from '../src/invocation/invocation.js';
import { FunctionServer } from '../src/server/function-server.js';
import type { FunctionServerOptions } from '../src/server/server-options.js';
import { FunctionRequest, OprcCaller, textReply } from './oprc-caller.js';

/** A handler whose calls end when the test says so. */
export class Held {
  readonly calls: { invocation: Invocation; signal: () => AbortSignal; end: (text?: string) => void }[] = [];

  readonly handler: InvocationHandler = (invocation, _entry, cancellation) =>
    new Promise<InvocationReply>((resolve) => {
      this.calls.push({
        invocation,
        signal: () => cancellation?.signal ?? new AbortController().signal,
        end: (text = 'ended') => {
          resolve(textReply(invocation, text));
        },
      });
    });

  get names(): string[] {
    return this.calls.map(({ invocation }) => invocation.method);
  }

  /** The call, once it runs. */
  nth(index: number): Promise<Held['calls'][number]> {
    return eventually(() => this.calls[index]);
  }
}

/** A handler that gives back what it was sent. */
export const echo: InvocationHandler = (invocation) =>
  Promise.resolve({ status: 0, payload: invocation.payload, headers: { h: '1' }, invocationId: invocation.id });

/** A function server on a free port; what still runs at its end is cut off. */
export async function startServer(
  handler: InvocationHandler,
  options: FunctionServerOptions = {},
): Promise<FunctionServer & AsyncDisposable> {
  const server = new FunctionServer(handler, options, silentLog);
  await server.start({ port: 0 });
  return disposable(server, async (it) => {
    if (it.isRunning()) await it.stop({ timeoutMs: 0 });
  });
}

export const portOf = (server: FunctionServer): number => server.info().port ?? 0;

export function callerOf(server: FunctionServer, channel?: ChannelCredentials): OprcCaller & AsyncDisposable {
  return disposable(new OprcCaller(portOf(server), channel), (it) => it.close());
}

/** The fields of a call of the class `a.B`. */
export function request(fnId: string, payload = Buffer.alloc(0)): Record<string, unknown> {
  return { clsId: 'a.B', fnId, payload };
}

/** A request as it is on the wire. */
export function bytesOf(fields: Record<string, unknown>): Buffer {
  return Buffer.from(FunctionRequest.encode(FunctionRequest.create(fields)).finish());
}
