import type { FlatHeaders } from '@berth/http-rules';

/**
 * undici's raw header fields as Latin-1 strings. They are views into what the
 * socket read, mostly into one buffer: one conversion then serves them all.
 */
export function latin1Headers(raw: readonly Buffer[]): FlatHeaders {
  const first = raw[0];
  const last = raw[raw.length - 1];
  if (first === undefined || last === undefined) return [];
  const start = first.byteOffset;
  const end = last.byteOffset + last.length;
  const backing = first.buffer;
  const headers: FlatHeaders = [];
  // More than a head's worth between them: they only happen to share a pool.
  if (backing !== last.buffer || end <= start || end - start > 65_536) return separately(raw);
  const text = Buffer.from(backing, start, end - start).toString('latin1');
  for (const field of raw) {
    const at = field.byteOffset - start;
    if (field.buffer !== backing || at < 0 || at + field.length > text.length) return separately(raw);
    headers.push(text.substring(at, at + field.length));
  }
  return headers;
}

/** undici has read the reason phrase as UTF-8; one character per byte is what the tunnel takes. */
export function reasonBytes(reason: string): string {
  return /^[\x20-\x7e]*$/.test(reason) ? reason : Buffer.from(reason, 'utf8').toString('latin1');
}

function separately(raw: readonly Buffer[]): FlatHeaders {
  return raw.map((field) => field.toString('latin1'));
}
