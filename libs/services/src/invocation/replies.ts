import { BerthError, type ErrorCode } from '@berth/errors';
import { ServicesError } from '../errors.js';
import { cutText } from './error-text.js';
import { CODE_HEADER, type ErrorReplyBody, type InvocationReply, InvocationStatus } from './invocation.js';
import { bigintField, encodeJson, encodeResult } from './payload.js';
import { appErrorOf, textOfThrown } from './thrown.js';

/** Codes that blame the request (checklist B13). */
const INVALID_REQUEST: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BERTH_SERVICE_NOT_FOUND',
  'BERTH_SERVICE_METHOD_NOT_FOUND',
  'BERTH_SERVICE_WRONG_ENTRY',
  'BERTH_SERVICE_BAD_OBJECT_ID',
  'BERTH_SERVICE_BAD_PAYLOAD',
  'BERTH_SERVICE_PAYLOAD_TOO_LARGE',
]);

/** Codes that blame the method, or are its own word; all others blame what is around it. */
const APP_ERROR: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BERTH_SERVICE_METHOD_FAILED',
  'BERTH_SERVICE_REFUSED',
  'BERTH_SERVICE_BAD_RESULT',
  'BERTH_SERVICE_CALL_CYCLE',
]);

export function statusOf(code: ErrorCode): InvocationStatus {
  if (INVALID_REQUEST.has(code)) return InvocationStatus.INVALID_REQUEST;
  return APP_ERROR.has(code) ? InvocationStatus.APP_ERROR : InvocationStatus.SYSTEM_ERROR;
}

/** A result that cannot travel, before anybody has said which method returned it. */
export class UnwritableResult extends Error {
  constructor(
    thrown: unknown,
    readonly result: unknown,
  ) {
    super('the result cannot be written', { cause: thrown });
  }
}

/** The reply with a method's result. @throws UnwritableResult */
export function okayReply(result: unknown, invocationId: string): InvocationReply {
  try {
    return { status: InvocationStatus.OKAY, ...encodeResult(result), invocationId };
  } catch (thrown) {
    throw new UnwritableResult(thrown, result);
  }
}

/** What a call failed with, as its reply and the log say it. @param method its name on the wire */
export function failureOf(thrown: unknown, method: string): BerthError {
  if (!(thrown instanceof UnwritableResult)) return BerthError.from(thrown);
  const { cause, result } = thrown;
  const field = bigintField(result);
  const where = field === undefined ? '' : ` (field '${field}')`;
  const why = textOfThrown(cause).message.replaceAll(/\s*\n\s*/g, ' ');
  const message = `the result of '${method}' cannot be written as JSON: ${why}${where}`;
  return new ServicesError('BERTH_SERVICE_BAD_RESULT', message, {}, { cause });
}

/**
 * The reply for anything thrown on the way of an invocation. Stacks and causes
 * stay here, and so does the text of what nobody foresaw. Long texts are cut.
 */
export function errorReply(invocationId: string, thrown: unknown): InvocationReply {
  const error = BerthError.from(thrown);
  const app = error.code === 'BERTH_SERVICE_REFUSED' ? appErrorOf(error.cause) : undefined;
  const details = app === undefined ? detailsOf(error) : app.details;
  const body: ErrorReplyBody = {
    error: {
      code: app?.code ?? error.code,
      message: cutText(error.message),
      ...(details === undefined ? {} : { details }),
    },
  };
  return {
    status: statusOf(error.code),
    payload: encodeBody(body),
    headers: { [CODE_HEADER]: error.code },
    invocationId,
  };
}

/** What a method threw, with its own message (checklist B16: the original error). */
export function methodFailed(thrown: unknown, attempts = 1): ServicesError {
  const app = appErrorOf(thrown);
  if (app !== undefined) return new ServicesError('BERTH_SERVICE_REFUSED', app.message, {}, { cause: thrown });
  const { name, message } = textOfThrown(thrown);
  return attempts === 1
    ? new ServicesError('BERTH_SERVICE_METHOD_FAILED', message, { name }, { cause: thrown })
    : new ServicesError(
        'BERTH_SERVICE_METHOD_FAILED',
        `failed after ${attempts} attempts: ${message}`,
        { name, attempts },
        { cause: thrown },
      );
}

function detailsOf(error: BerthError): Readonly<Record<string, unknown>> | undefined {
  return error instanceof ServicesError && Object.keys(error.details).length > 0 ? error.details : undefined;
}

/** Details come from methods too, and may be what JSON cannot say. */
function encodeBody(body: ErrorReplyBody): Uint8Array {
  try {
    return encodeJson(body);
  } catch {
    const { code, message } = body.error;
    return encodeJson({ error: { code, message } });
  }
}

/**
 * Whether somebody should look at a call that ended so: the method failed, or
 * what is around it. A caller's mistake and an AppError are outcomes that the
 * caller has been told.
 */
export function isFailure({ status, headers }: InvocationReply): boolean {
  if (status === InvocationStatus.OKAY || status === InvocationStatus.INVALID_REQUEST) return false;
  return headers[CODE_HEADER] !== 'BERTH_SERVICE_REFUSED';
}
