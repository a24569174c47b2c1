import type { OpenAPIObject } from '@nestjs/swagger';

/** As much of a JSON schema as the admin API uses. */
export interface Schema {
  $ref?: string;
  type?: string;
  format?: string;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  nullable?: boolean;
  allOf?: Schema[];
}

/**
 * What of a value is not as its schema says: required properties, types, and
 * properties that nobody documented.
 *
 * @returns a line per difference, with its path
 */
export function differences(document: OpenAPIObject, schema: Schema, value: unknown, path = '$'): string[] {
  const { $ref } = schema;
  if ($ref !== undefined) {
    const named = document.components?.schemas?.[$ref.replace('#/components/schemas/', '')];
    return named === undefined
      ? [`${path}: ${$ref} leads nowhere`]
      : differences(document, named as Schema, value, path);
  }
  if (schema.allOf !== undefined) return schema.allOf.flatMap((part) => differences(document, part, value, path));
  if (value === null) return schema.nullable === true ? [] : [`${path}: null`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) return [`${path}: not one of the enum`];
  if (schema.type === 'array') {
    if (!Array.isArray(value)) return [`${path}: no array`];
    return value.flatMap((item, i) => differences(document, schema.items ?? {}, item, `${path}[${i}]`));
  }
  if (schema.type === 'object' || schema.properties !== undefined)
    return objectDifferences(document, schema, value, path);
  if (schema.type !== undefined && typeof value !== (schema.type === 'integer' ? 'number' : schema.type)) {
    return [`${path}: ${typeof value} instead of ${schema.type}`];
  }
  if (schema.format !== 'date-time') return [];
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
  return isTime ? [] : [`${path}: no date-time`];
}

function objectDifferences(document: OpenAPIObject, schema: Schema, value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: no object`];
  const found: string[] = [];
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) found.push(`${path}.${name}: missing`);
  for (const [name, item] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known === undefined || known === false) found.push(`${path}.${name}: not documented`);
    else if (known !== true) found.push(...differences(document, known, item, `${path}.${name}`));
  }
  return found;
}
