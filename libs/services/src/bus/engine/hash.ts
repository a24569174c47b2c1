/** A text as 32 bits (FNV-1a). @param from to go on with */
export function hash(text: string, from = 0x811c9dc5): number {
  let value = from;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}

/** Twelve bits of a hash, below 0, so that it is no hash itself. */
export function coarse(of: number): number {
  return ~(of & 0xfff);
}
