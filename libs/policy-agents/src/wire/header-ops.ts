import type { HeaderOp } from '../answers.js';
import { type Fields, inner, list, text, fieldsOf } from './fields.js';

/** @param remove how this wire names the header that goes */
export function writeHeaderOps(ops: readonly HeaderOp[], remove: (name: string) => unknown): Fields[] {
  return ops.map((op) =>
    op.op === 'remove' ? { remove: remove(op.name) } : { [op.op]: { name: op.name, value: op.value } },
  );
}

/**
 * An operation that nobody knows is left out, as protobuf has it.
 *
 * @throws Error when it is no list of operations
 */
export function readHeaderOps(from: Fields, field: string): HeaderOp[] {
  const ops: HeaderOp[] = [];
  for (const one of list(from, field)) {
    const op = readHeaderOp(fieldsOf(one, field));
    if (op !== undefined) ops.push(op);
  }
  return ops;
}

function readHeaderOp(one: Fields): HeaderOp | undefined {
  for (const op of ['set', 'add'] as const) {
    const header = Object.hasOwn(one, op) ? inner(one, op) : undefined;
    if (header !== undefined) return { op, name: text(header, 'name'), value: text(header, 'value') };
  }
  if (!Object.hasOwn(one, 'remove')) return undefined;
  // protobuf has the name itself, the framings an object with it
  const name = typeof one['remove'] === 'string' ? one['remove'] : text(fieldsOf(one['remove'], 'remove'), 'name');
  return { op: 'remove', name };
}
