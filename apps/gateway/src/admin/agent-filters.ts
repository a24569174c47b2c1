import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { AGENT_STATES, OFFLINE } from './agent.dto.js';

/** Describes `include`. */
export function ApiInclude(description: string): MethodDecorator {
  return ApiQuery({ name: 'include', required: false, schema: { type: 'string', enum: [OFFLINE] }, description });
}

/** Describes what agents can be chosen by. */
export function ApiAgentFilters(): MethodDecorator {
  const one = { type: 'string' } as const;
  return applyDecorators(
    ApiQuery({
      name: 'agent_id',
      required: false,
      schema: { ...one, example: 'kiosk-*' },
      description: 'an id, exact or with `*` for any characters',
    }),
    ApiQuery({
      name: 'state',
      required: false,
      style: 'form',
      explode: true,
      schema: { type: 'array', items: { type: 'string', enum: [...AGENT_STATES] } },
      description: 'one of these states; `offline` are those that are away, which are not shown unless asked for',
    }),
    ApiQuery({
      name: 'service',
      required: false,
      schema: { ...one, example: 'ssh' },
      description: 'has a local service of that name',
    }),
    ApiQuery({
      name: 'metadata',
      required: false,
      style: 'form',
      explode: true,
      schema: { type: 'array', items: one, example: ['site=north'] },
      description: 'says that of itself: a key, or a key with its value; all of them where there are several',
    }),
    ApiInclude('offline: those that are away as well'),
  );
}
