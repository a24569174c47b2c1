import protobuf from 'protobufjs/minimal.js';
import { ServicesError } from '../errors.js';
import { MAX_CHAIN_LENGTH } from '../invocation/call-chain.js';
import { CHAIN_OPTION, IDEMPOTENCY_OPTION, type Invocation, keyProblem, NO_OPTIONS } from '../invocation/invocation.js';
import { EMPTY } from '../invocation/payload.js';
import { checkObjectId } from '../objects/object-id.js';
import { bytesTag, readDigits, readEntry, readText, skipField, varintTag, writeMap } from './fields.js';

/** `oprc.OprcFunction` of proto/oprc/oprc.proto, for the server and for clients (checklist B13). */
export const INVOKE_FN_PATH = '/oprc.OprcFunction/InvokeFn';
export const INVOKE_OBJ_PATH = '/oprc.OprcFunction/InvokeObj';

/** Messages are coded here, so gRPC gets and gives plain buffers. */
export const passBuffer = (bytes: Buffer): Buffer => bytes;

/** The caller's words in a request's `options`; more are INVALID_REQUEST, because each costs many times its bytes. */
export const MAX_OPTIONS = 64;
/** Options that are fields of the invocation. */
const OWN_OPTIONS = [IDEMPOTENCY_OPTION, CHAIN_OPTION];
const MAX_ENTRIES = MAX_OPTIONS + OWN_OPTIONS.length;
/** Longest `cls_id` and `fn_id`, UTF-16 units. */
const MAX_NAME_LENGTH = 256;

const PARTITION = varintTag(1);
const NUMERIC_OBJECT = varintTag(2);
const CLASS = bytesTag(3);
const FUNCTION = bytesTag(4);
const OPTION = bytesTag(5);
const PAYLOAD = bytesTag(6);
const OBJECT = bytesTag(7);

/** A request as it came: an {@link Invocation} that is given its id and deadline by the server. */
export class WireInvocation implements Invocation {
  id = '';
  deadline: number | undefined = undefined;
  service = '';
  method = '';
  partition = 0;
  objectId: string | undefined = undefined;
  payload: Uint8Array = EMPTY;
  options: Readonly<Record<string, string>> = NO_OPTIONS;
  idempotencyKey: string | undefined = undefined;
  chain: string | undefined = undefined;
  /** what is wrong with it although it could be read: it is answered with INVALID_REQUEST */
  problem: ServicesError | undefined = undefined;

  /** @param wireBytes size of the message, uncompressed */
  constructor(readonly wireBytes: number) {}
}

/**
 * Reads a request. Field 2 of one for an object cannot be told from an absent
 * one when it is 0, unless the sender writes it: object `0` is meant only then,
 * and a request with neither id is a problem (checklist B13).
 *
 * @param ofObject an ObjectInvocationRequest: an InvocationRequest with the fields of the object
 * @throws Error for bytes that are no such message; grpc-js answers INTERNAL
 */
function decodeRequest(bytes: Buffer, ofObject: boolean): WireInvocation {
  const request = new WireInvocation(bytes.length);
  const reader = protobuf.Reader.create(bytes);
  let numericId: string | undefined;
  let options: Record<string, string> | undefined;
  let optionCount = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === CLASS) request.service = readText(reader);
    else if (tag === FUNCTION) request.method = readText(reader);
    else if (tag === PAYLOAD) request.payload = reader.bytes();
    else if (tag === PARTITION) request.partition = reader.uint32();
    else if (tag === OPTION && (optionCount += 1) <= MAX_ENTRIES) options = readEntry(reader, options);
    else if (ofObject && tag === OBJECT) request.objectId = readText(reader);
    else if (ofObject && tag === NUMERIC_OBJECT) numericId = readDigits(reader);
    else skipField(reader, tag);
  }
  if (options !== undefined) takeOptions(request, options);
  if (optionCount > MAX_ENTRIES || Object.keys(request.options).length > MAX_OPTIONS)
    request.problem = bad(`a request has at most ${MAX_OPTIONS} options`);
  if (request.service.length > MAX_NAME_LENGTH || request.method.length > MAX_NAME_LENGTH)
    request.problem = bad(`cls_id and fn_id have at most ${MAX_NAME_LENGTH} characters`);
  if (ofObject) takeObjectId(request, numericId);
  return request;
}

export const decodeFunctionRequest = (bytes: Buffer): WireInvocation => decodeRequest(bytes, false);
export const decodeObjectRequest = (bytes: Buffer): WireInvocation => decodeRequest(bytes, true);

/** An invocation as InvocationRequest, or as ObjectInvocationRequest when it has an object. */
export function encodeRequest(invocation: Invocation): Buffer {
  const { partition, service, method, objectId, payload } = invocation;
  const writer = protobuf.Writer.create();
  if (partition !== 0) writer.uint32(PARTITION).uint32(partition);
  writer.uint32(CLASS).string(service).uint32(FUNCTION).string(method);
  writeMap(writer, OPTION, wireOptions(invocation));
  if (payload.length > 0) writer.uint32(PAYLOAD).bytes(payload);
  if (objectId !== undefined) writer.uint32(OBJECT).string(objectId);
  return writer.finish() as Buffer;
}

/** Some options are fields of the invocation, as with any other transport. */
function takeOptions(request: WireInvocation, options: Record<string, string>): void {
  const { [IDEMPOTENCY_OPTION]: key, [CHAIN_OPTION]: chain } = options;
  const problem = key === undefined ? undefined : keyProblem(key);
  if (problem === undefined) request.idempotencyKey = key;
  else request.problem = bad(`option ${IDEMPOTENCY_OPTION} ${problem}`);
  if (chain === undefined || chain.length <= MAX_CHAIN_LENGTH) request.chain = chain;
  else request.problem = bad(`option ${CHAIN_OPTION} has at most ${MAX_CHAIN_LENGTH} characters`);
  for (const name of OWN_OPTIONS) Reflect.deleteProperty(options, name);
  request.options = options;
}

/** The caller's words, and what is a field of the invocation elsewhere. */
function wireOptions({ options, idempotencyKey, chain }: Invocation): Readonly<Record<string, string>> {
  if (idempotencyKey === undefined && chain === undefined) return options;
  return {
    ...options,
    ...(idempotencyKey !== undefined && { [IDEMPOTENCY_OPTION]: idempotencyKey }),
    ...(chain !== undefined && { [CHAIN_OPTION]: chain }),
  };
}

function takeObjectId(request: WireInvocation, numericId: string | undefined): void {
  const { objectId = numericId } = request;
  request.objectId = objectId;
  const problem = objectId === undefined ? 'the request names no object: set object_id' : checkObjectId(objectId);
  if (problem !== undefined) request.problem = badObject(problem);
  else if (numericId !== undefined && numericId !== objectId)
    request.problem = badObject(`numeric_object_id is ${numericId}, and object_id is another: set only object_id`);
}

const bad = (message: string): ServicesError => new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', message);
const badObject = (message: string): ServicesError => new ServicesError('BERTH_SERVICE_BAD_OBJECT_ID', message);
