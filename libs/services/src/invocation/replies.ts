import type { BerthError, ErrorCode } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { appErrorOf, cutText, safely, textOfThrown } from './error-text.js';
import {
  CODE_HEADER,
  type ErrorReplyBody,
  type Invocation,
  type InvocationReply,
  InvocationStatus,
} from './invocation.js';
import { bigintField, encodeJson, encodeResult } from './payload.js';

const { OKAY, INVALID_REQUEST, APP_ERROR, SYSTEM_ERROR } = InvocationStatus;

/** Codes that blame the request, and those that blame the method or are its own word (checklist B13). */
const STATUSES: Readonly<Partial<Record<ErrorCode, InvocationStatus>>> = {
  BERTH_SERVICE_NOT_FOUND: INVALID_REQUEST,
  BERTH_SERVICE_METHOD_NOT_FOUND: INVALID_REQUEST,
  BERTH_SERVICE_WRONG_ENTRY: INVALID_REQUEST,
  BERTH_SERVICE_BAD_OBJECT_ID: INVALID_REQUEST,
  BERTH_SERVICE_BAD_PAYLOAD: INVALID_REQUEST,
  BERTH_SERVICE_PAYLOAD_TOO_LARGE: INVALID_REQUEST,
  BERTH_SERVICE_METHOD_FAILED: APP_ERROR,
  BERTH_SERVICE_REFUSED: APP_ERROR,
  BERTH_SERVICE_BAD_RESULT: APP_ERROR,
  BERTH_SERVICE_CALL_CYCLE: APP_ERROR,
};

/** Codes that blame nobody else blame what is around the call. */
export function statusOf(code: ErrorCode): InvocationStatus {
  return STATUSES[code] ?? SYSTEM_ERROR;
}

/** The reply with a method's result. @throws ServicesError `BERTH_SERVICE_BAD_RESULT` it cannot be written */
export function okayReply(result: unknown, { id, method }: Pick<Invocation, 'id' | 'method'>): InvocationReply {
  try {
    return { status: OKAY, ...encodeResult(result), invocationId: id };
  } catch (cause) {
    const field = bigintField(result);
    const where = field === '' ? '' : ` (field '${field}')`;
    const why = textOfThrown(cause).message.replaceAll(/\s*\n\s*/g, ' ');
    const message = `the result of '${method}' cannot be written as JSON: ${why}${where}`;
    throw new ServicesError('BERTH_SERVICE_BAD_RESULT', message, {}, { cause });
  }
}

/** The reply of a call that failed. Stacks and causes stay here; long texts are cut. */
export function errorReply(invocationId: string, error: BerthError): InvocationReply {
  const app = error.code === 'BERTH_SERVICE_REFUSED' ? appErrorOf(error.cause) : undefined;
  const known = error instanceof ServicesError && Object.keys(error.details).length > 0 ? error.details : undefined;
  const { code, message, details } = app ?? { code: error.code, message: error.message, details: known };
  return {
    status: statusOf(error.code),
    payload: encodeBody({ error: { code, message: cutText(message), details } }),
    headers: { [CODE_HEADER]: error.code },
    invocationId,
  };
}

/** What a method threw, with its own message (checklist B16: the original error). */
export function methodFailed(thrown: unknown, attempts = 1): ServicesError {
  const app = appErrorOf(thrown);
  if (app !== undefined) return new ServicesError('BERTH_SERVICE_REFUSED', app.message, {}, { cause: thrown });
  const { name, message } = textOfThrown(thrown);
  const [text, details] =
    attempts === 1 ? [message, { name }] : [`failed after ${attempts} attempts: ${message}`, { name, attempts }];
  return new ServicesError('BERTH_SERVICE_METHOD_FAILED', text, details, { cause: thrown });
}

/** Details come from methods too, and may be what JSON cannot say. */
function encodeBody(body: ErrorReplyBody): Uint8Array {
  const { code, message } = body.error;
  return safely(() => encodeJson(body)) ?? encodeJson({ error: { code, message } });
}

/**
 * Whether somebody should look at a call that ended so: the method failed, or what is around it. A caller's mistake and
 * an AppError are outcomes that the caller has been told.
 */
export function isFailure({ status, headers }: InvocationReply): boolean {
  return status !== OKAY && status !== INVALID_REQUEST && headers[CODE_HEADER] !== 'BERTH_SERVICE_REFUSED';
}
