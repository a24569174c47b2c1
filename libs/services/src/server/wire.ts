/** `oprc.OprcFunction` of proto/oprc/oprc.proto as bytes, for the server and for clients (checklist B13). */
export const INVOKE_FN_PATH = '/oprc.OprcFunction/InvokeFn';
export const INVOKE_OBJ_PATH = '/oprc.OprcFunction/InvokeObj';

/** Messages are coded here, so gRPC gets and gives plain buffers. */
export const passBuffer = (bytes: Buffer): Buffer => bytes;

export { decodeReply, encodeReply } from './wire-replies.js';
export {
  decodeFunctionRequest,
  decodeObjectRequest,
  encodeRequest,
  MAX_NAME_LENGTH,
  MAX_OPTIONS,
  type RequestProblem,
  WireInvocation,
} from './wire-requests.js';
