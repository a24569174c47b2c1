import type { ErrorCode } from '@berth/errors';
import { MAX_CHAIN_LENGTH } from '../invocation/call-chain.js';
import {
  CHAIN_OPTION,
  IDEMPOTENCY_OPTION,
  type Invocation,
  isIdempotencyKey,
  MAX_IDEMPOTENCY_KEY_BYTES,
  NO_OPTIONS,
} from '../invocation/invocation.js';
import { EMPTY } from '../invocation/payload.js';
import { checkObjectId } from '../objects/object-id.js';
import { bytesTag, varintTag, WireReader } from './wire-reader.js';
import { chunkLength, mapLength, textLength, varintLength, WireWriter, writeMap } from './wire-writer.js';

/** Entries of a request's `options`; more are INVALID_REQUEST, because each costs many times its bytes. */
export const MAX_OPTIONS = 64;
/** Longest `cls_id` and `fn_id`, UTF-16 units. */
export const MAX_NAME_LENGTH = 256;

const PARTITION = varintTag(1);
const NUMERIC_OBJECT = varintTag(2);
const CLASS = bytesTag(3);
const FUNCTION = bytesTag(4);
const OPTION = bytesTag(5);
const PAYLOAD = bytesTag(6);
const OBJECT = bytesTag(7);

/** What is wrong with a request that could be read. */
export interface RequestProblem {
  readonly code: ErrorCode;
  readonly message: string;
}

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
  /** to be answered with INVALID_REQUEST */
  problem: RequestProblem | undefined = undefined;

  /** @param wireBytes size of the message, uncompressed */
  constructor(readonly wireBytes: number) {}
}

/** Both requests share their fields, but for those of the object. */
function read(bytes: Buffer, ofObject: boolean): WireInvocation {
  const request = new WireInvocation(bytes.length);
  const reader = new WireReader(bytes);
  let numericId: string | undefined;
  let options: Record<string, string> | undefined;
  let optionCount = 0;
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === CLASS) request.service = reader.text();
    else if (tag === FUNCTION) request.method = reader.text();
    else if (tag === PAYLOAD) request.payload = reader.chunk();
    else if (tag === PARTITION) request.partition = reader.uint32();
    else if (tag === OPTION) {
      optionCount += 1;
      // Without a prototype, so that `__proto__` is a name like any other.
      if (optionCount <= MAX_OPTIONS)
        readOption(reader.chunk(), (options ??= Object.create(null) as Record<string, string>));
      else reader.skip(tag);
    } else if (ofObject && tag === OBJECT) request.objectId = reader.text();
    else if (ofObject && tag === NUMERIC_OBJECT) numericId = reader.uint64();
    else reader.skip(tag);
  }
  if (optionCount > MAX_OPTIONS) request.problem = bad(`a request has at most ${MAX_OPTIONS} options`);
  if (options !== undefined) takeOptions(request, options);
  if (request.service.length > MAX_NAME_LENGTH || request.method.length > MAX_NAME_LENGTH)
    request.problem = bad(`cls_id and fn_id have at most ${MAX_NAME_LENGTH} characters`);
  if (ofObject) takeObjectId(request, numericId);
  return request;
}

/**
 * Reads an InvocationRequest.
 *
 * @throws Error for bytes that are no such message; grpc-js answers INTERNAL
 */
export function decodeFunctionRequest(bytes: Buffer): WireInvocation {
  return read(bytes, false);
}

/**
 * Reads an ObjectInvocationRequest. Field 2 cannot be told from an absent one
 * when it is 0, unless the sender writes it: object `0` is meant only then, and
 * a request with neither id is a problem (checklist B13).
 *
 * @throws Error for bytes that are no such message; grpc-js answers INTERNAL
 */
export function decodeObjectRequest(bytes: Buffer): WireInvocation {
  return read(bytes, true);
}

/** An invocation as InvocationRequest, or as ObjectInvocationRequest when it has an object. */
export function encodeRequest(invocation: Invocation): Buffer {
  const { partition, service, method, objectId, payload } = invocation;
  const options = wireOptions(invocation);
  const serviceLength = textLength(service);
  const methodLength = textLength(method);
  const objectLength = objectId === undefined ? 0 : textLength(objectId);
  let length = chunkLength(serviceLength) + chunkLength(methodLength) + mapLength(options);
  if (partition !== 0) length += 1 + varintLength(partition);
  if (payload.length > 0) length += chunkLength(payload.length);
  if (objectId !== undefined) length += chunkLength(objectLength);

  const writer = new WireWriter(length);
  if (partition !== 0) {
    writer.varint(PARTITION);
    writer.varint(partition);
  }
  writer.text(CLASS, service, serviceLength);
  writer.text(FUNCTION, method, methodLength);
  writeMap(writer, OPTION, options);
  if (payload.length > 0) writer.chunk(PAYLOAD, payload);
  if (objectId !== undefined) writer.text(OBJECT, objectId, objectLength);
  return writer.bytes;
}

/** One entry of a `map<string, string>`, into a record. */
export function readOption(entry: Buffer, into: Record<string, string>): void {
  const reader = new WireReader(entry);
  let key = '';
  let value = '';
  while (!reader.done) {
    const tag = reader.tag();
    if (tag === bytesTag(1)) key = reader.text();
    else if (tag === bytesTag(2)) value = reader.text();
    else reader.skip(tag);
  }
  into[key] = value;
}

function takeOptions(request: WireInvocation, options: Record<string, string>): void {
  const key = options[IDEMPOTENCY_OPTION];
  if (key !== undefined) {
    // It is a field of the invocation, as with any other transport.
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a constant
    delete options[IDEMPOTENCY_OPTION];
    if (!isIdempotencyKey(key))
      request.problem = bad(`option ${IDEMPOTENCY_OPTION} has 1 to ${MAX_IDEMPOTENCY_KEY_BYTES} bytes`);
    else request.idempotencyKey = key;
  }
  const chain = options[CHAIN_OPTION];
  if (chain !== undefined) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a constant
    delete options[CHAIN_OPTION];
    if (chain.length > MAX_CHAIN_LENGTH)
      request.problem = bad(`option ${CHAIN_OPTION} has at most ${MAX_CHAIN_LENGTH} characters`);
    else request.chain = chain;
  }
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
  const { objectId } = request;
  if (objectId === undefined) {
    if (numericId === undefined) request.problem = badObject('the request names no object: set object_id');
    request.objectId = numericId;
    return;
  }
  const problem = checkObjectId(objectId);
  if (problem !== undefined) request.problem = badObject(problem);
  else if (numericId !== undefined && numericId !== objectId)
    request.problem = badObject(`numeric_object_id is ${numericId}, and object_id is another: set only object_id`);
}

const bad = (message: string): RequestProblem => ({ code: 'BERTH_SERVICE_BAD_PAYLOAD', message });
const badObject = (message: string): RequestProblem => ({ code: 'BERTH_SERVICE_BAD_OBJECT_ID', message });
