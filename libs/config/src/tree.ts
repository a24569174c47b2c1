type Node = Record<string, unknown>;

const parentOf = (root: object, keys: readonly string[]): Node =>
  keys.slice(0, -1).reduce<Node>((node, key) => node[key] as Node, root as Node);

/** The value at a path such as `http.port`, whose groups all exist. */
export function getAt(root: object, path: string): unknown {
  const keys = path.split('.');
  return parentOf(root, keys)[keys.at(-1) ?? ''];
}

/** Sets the value at a path whose groups all exist. */
export function setAt(root: object, path: string, value: unknown): void {
  const keys = path.split('.');
  parentOf(root, keys)[keys.at(-1) ?? ''] = value;
}

/** A copy of settings made of plain objects and lists, which can be changed. */
export function plainCopy<T>(node: T): T {
  if (Array.isArray(node)) return node.map((item: unknown) => plainCopy(item)) as T;
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).map(([key, value]: [string, unknown]) => [key, plainCopy(value)] as const);
  return Object.fromEntries(entries) as T;
}

/** As {@link plainCopy}, frozen through and through. */
export function frozenCopy<T>(node: T): T {
  return deepFreeze(plainCopy(node));
}

function deepFreeze<T>(node: T): T {
  if (typeof node !== 'object' || node === null) return node;
  for (const value of Object.values(node) as unknown[]) deepFreeze(value);
  return Object.freeze(node);
}
