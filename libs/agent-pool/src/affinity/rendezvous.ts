/** 32 bits of a text, spread evenly (FNV-1a with a finishing mix). */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/**
 * How much a key wants a place (rendezvous hashing): the place with the highest
 * number has the key. Where one comes or goes only its own keys move.
 */
export function preference(keyHash: number, placeHash: number): number {
  return mix(Math.imul(keyHash, 0x9e3779b1) ^ placeHash);
}

function mix(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
