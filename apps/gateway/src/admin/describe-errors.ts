import { isErrorCode } from '@berth/errors';
import { type OpenAPIObject, getSchemaPath } from '@nestjs/swagger';
import { ErrorDto, ProblemDto } from './error.dto.js';

interface Answer {
  description?: string;
  content?: Record<string, { schema?: object; example?: unknown }>;
}
interface Operation {
  requestBody?: object;
  responses: Record<string, Answer>;
}

const ERROR = getSchemaPath(ErrorDto);
const PROBLEM = getSchemaPath(ProblemDto);

/** Refusals that any request which changes something may meet, before its route sees it. */
const OF_CHANGES = { 403: 'BERTH_CROSS_SITE: asked by a page of another origin' };
const OF_BODIES = {
  413: 'BERTH_BODY_TOO_LARGE: more than `configPush.maxBytes` and 64 KiB',
  415: 'BERTH_UNSUPPORTED_MEDIA_TYPE: a body must be JSON (`Content-Type: application/json`)',
};

/**
 * Completes the error answers of all operations: what is the same for many, an
 * example for each, and that they can be had as problems (RFC 9457).
 */
export function describeErrors(document: OpenAPIObject): OpenAPIObject {
  for (const item of Object.values(document.paths)) {
    for (const [method, { requestBody, responses }] of Object.entries(item as Record<string, Operation>)) {
      const common = { ...(method === 'get' ? {} : OF_CHANGES), ...(requestBody === undefined ? {} : OF_BODIES) };
      for (const [status, description] of Object.entries(common)) {
        responses[status] ??= { description, content: { 'application/json': { schema: { $ref: ERROR } } } };
      }
      for (const answer of Object.values(responses)) describeError(answer);
    }
  }
  return document;
}

function describeError({ description = '', content = {} }: Answer): void {
  const json = content['application/json'];
  if (json === undefined || !('$ref' in (json.schema ?? {}))) return;
  const { $ref } = json.schema as { $ref: string };
  if ($ref !== ERROR) return;
  const [, code = 'BERTH_INTERNAL', meaning = ''] = /^(BERTH_\w+)(?:: ([^;]*))?/.exec(description) ?? [];
  if (!isErrorCode(code)) throw new Error(`${code} is no code (libs/errors)`);
  const message = meaning === '' ? code.slice(6).toLowerCase().replaceAll('_', ' ') : meaning;
  json.example = { error: { code, message, request_id: 'req-4f1c0a9be2d1' } };
  content['application/problem+json'] = { schema: { $ref: PROBLEM } };
}
