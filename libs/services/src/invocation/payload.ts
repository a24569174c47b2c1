import { isUtf8 } from 'node:buffer';
import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import type { InputKind, MemberDefinition } from '../definition/service-definition.js';
import { ServicesError } from '../errors.js';
import { safely } from './error-text.js';
import { BYTES, CONTENT_TYPE, type InvocationReply, TEXT } from './invocation.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** No bytes; shared, since nobody can write into it. */
export const EMPTY = new Uint8Array(0);

/** The headers of a reply by what its payload is; shared and frozen. */
const JSON_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
const TEXT_HEADERS = Object.freeze({ [CONTENT_TYPE]: TEXT });
const BYTES_HEADERS = Object.freeze({ [CONTENT_TYPE]: BYTES });

/**
 * A payload as a method's input. Only DTOs make it asynchronous, so that other calls need no turn of their own.
 *
 * @throws ServicesError `BERTH_SERVICE_BAD_PAYLOAD`
 */
export function decodeInput(payload: Uint8Array, { input, optionalInput }: MemberDefinition): unknown {
  const maybeAbsent = optionalInput || input === 'json' || input === 'unseen';
  if (input === 'none' || (payload.length === 0 && maybeAbsent)) return undefined;
  if (input === 'text') return decodeText(payload);
  // A method may ask for a Buffer, which is a Uint8Array too.
  if (input === 'bytes') return bufferOf(payload);
  const value = parseJson(payload);
  if (typeof input === 'function') return validated(value, input);
  // JSON can write numbers that no double holds.
  const fits = typeof value === input && value !== Infinity && value !== -Infinity;
  if ((input === 'number' || input === 'boolean') && !fits) throw badPayload(`it must be a ${input}`);
  return value;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A client's input as payload. @throws ServicesError `BERTH_SERVICE_BAD_PAYLOAD` */
export function encodeInput(value: unknown, input: InputKind): Uint8Array {
  if (value === undefined || input === 'none') return EMPTY;
  if (input === 'text') {
    if (typeof value !== 'string') throw badPayload('the method takes a string');
    return Buffer.from(value);
  }
  if (input === 'bytes') {
    if (!(value instanceof Uint8Array)) throw badPayload('the method takes bytes (a Uint8Array)');
    return value;
  }
  try {
    return encodeJson(value);
  } catch (thrown) {
    throw new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', 'the input cannot be written as JSON', {}, { cause: thrown });
  }
}

/** A method's result as it travels: a string is raw UTF-8, bytes pass through, all else is JSON (checklist B13). */
export function encodeResult(value: unknown): Pick<InvocationReply, 'payload' | 'headers'> {
  if (value === undefined) return { headers: JSON_HEADERS };
  if (typeof value === 'string') return { payload: Buffer.from(value), headers: TEXT_HEADERS };
  if (value instanceof Uint8Array) return { payload: value, headers: BYTES_HEADERS };
  return { payload: encodeJson(value), headers: JSON_HEADERS };
}

/**
 * The value in a reply. Servers that know nothing of the header send strings and bytes as they are: what is no JSON is
 * then text, and what is no text is bytes.
 */
export function decodeResult({ payload, headers }: Pick<InvocationReply, 'payload' | 'headers'>): unknown {
  if (payload === undefined) return undefined;
  const type = headers[CONTENT_TYPE];
  if (type === BYTES || !isUtf8(payload)) return payload;
  const text = utf8.decode(payload);
  if (type === TEXT) return text;
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** @throws TypeError what JSON has no words for: cycles, BigInt, functions, NaN and Infinity that are all of it */
export function encodeJson(value: unknown): Uint8Array {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} has no JSON`);
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON`);
  return Buffer.from(text);
}

/** The name of the first field with a bigint, of which the error of JSON.stringify says nothing; `''`: none. */
export function bigintField(value: unknown): string {
  let field = '';
  const keep = (key: string, inner: unknown): unknown => {
    if (typeof inner === 'bigint') field = key;
    return inner;
  };
  safely(() => JSON.stringify(value, keep));
  return field;
}

function decodeText(payload: Uint8Array): string {
  try {
    return utf8.decode(payload);
  } catch {
    throw badPayload('it is not valid UTF-8');
  }
}

function parseJson(payload: Uint8Array): unknown {
  const text = decodeText(payload);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badPayload(text === '' ? 'it is empty, and the input is not optional (optionalInput)' : 'it is not JSON');
  }
}

async function validated(plain: unknown, type: new () => object): Promise<object> {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) throw badPayload('it must be a JSON object');
  let instance: object;
  let problems: ValidationError[];
  try {
    instance = plainToInstance(type, plain);
    problems = await validate(instance, { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: true });
  } catch (thrown) {
    // Nested too deep, or a transformation that did not foresee it: the method has not begun.
    throw new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', 'the payload cannot be checked', {}, { cause: thrown });
  }
  if (problems.length === 0) return instance;
  const texts = problems.flatMap((problem) => textsOf(problem, ''));
  throw new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', `the payload is not valid: ${texts.join('; ')}`, {
    problems: texts,
  });
}

function textsOf({ property, constraints, children }: ValidationError, path: string): string[] {
  const own = Object.values(constraints ?? {}).map((text) => `${path}${text}`);
  return [...own, ...(children ?? []).flatMap((child) => textsOf(child, `${path}${property}.`))];
}

function badPayload(what: string): ServicesError {
  return new ServicesError('BERTH_SERVICE_BAD_PAYLOAD', `the payload cannot be read: ${what}`);
}
