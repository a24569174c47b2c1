import type { sendUnaryData, Server } from '@grpc/grpc-js';
import type { Log } from '@berth/observability';
import type { InvocationHandler } from '../invocation/invocation-handler.js';
import { nextInvocationId } from '../invocation/invocation.js';
import { errorReply } from '../invocation/replies.js';
import { steadyTime } from '../runtime/clock.js';
import { encodeReply } from '../wire/replies.js';
import {
  decodeFunctionRequest,
  decodeObjectRequest,
  INVOKE_FN_PATH,
  INVOKE_OBJ_PATH,
  passBuffer,
} from '../wire/requests.js';
import { Desk } from './desk.js';
import { OprcCall, type OprcRequest } from './oprc-call.js';
import { refusalStatus, STOPPING } from './refusals.js';
import type { ServerSettings } from './server-options.js';
import type { StreamGuard } from './stream-guard.js';

const CODING = {
  requestStream: false,
  responseStream: false,
  requestSerialize: passBuffer,
  responseSerialize: passBuffer,
  responseDeserialize: passBuffer,
} as const;
const DEFINITION = {
  InvokeFn: { ...CODING, path: INVOKE_FN_PATH, requestDeserialize: decodeFunctionRequest },
  InvokeObj: { ...CODING, path: INVOKE_OBJ_PATH, requestDeserialize: decodeObjectRequest },
};

/** `oprc.OprcFunction`: admits calls, hands them to the handler, and answers (checklist B13). */
export class OprcService {
  readonly desk: Desk;
  readonly maxMessageBytes: number;
  /** calls are refused; those that were admitted go on */
  stopping = false;

  constructor(
    readonly handler: InvocationHandler,
    settings: Pick<ServerSettings, 'maxMessageBytes' | 'maxConcurrentCalls' | 'maxQueuedCalls'>,
    readonly guard: StreamGuard,
    readonly log: Log,
  ) {
    this.maxMessageBytes = settings.maxMessageBytes;
    this.desk = new Desk(settings.maxConcurrentCalls, settings.maxQueuedCalls);
  }

  addTo(server: Server): void {
    server.addService(DEFINITION, { InvokeFn: this.invoke, InvokeObj: this.invoke });
  }

  private readonly invoke = (request: OprcRequest, done: sendUnaryData<Buffer>): void => {
    if (this.stopping) {
      done(refusalStatus(STOPPING));
      return;
    }
    const invocation = request.request;
    invocation.id = nextInvocationId();
    const { problem } = invocation;
    if (problem !== undefined) {
      done(null, encodeReply(errorReply(invocation.id, problem)));
      return;
    }
    // grpc-js has it by the system's clock since the head of the call came, and tells it in no other way: a clock that is
    // set before the message has come moves it. An interceptor, which hears of the head, would cost each call.
    const deadline = request.getDeadline();
    if (typeof deadline === 'number' && deadline !== Infinity) invocation.deadline = steadyTime(deadline);
    this.desk.enter(new OprcCall(this, request, done));
  };
}
