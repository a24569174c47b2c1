import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type ZlibOptions, zstdDecompress } from 'node:zlib';

/** A body whose texts cannot be seen. @see Panel.unseen */
export class Unreadable extends Error {
  /** @param isLarge it is, or becomes, larger than may be held */
  constructor(
    message: string,
    readonly isLarge = false,
  ) {
    super(message);
  }
}

/** With how many bytes were read: what stands behind an end may be read by others. */
type Decode = (bytes: Buffer, options: ZlibOptions) => Promise<{ buffer: Buffer; engine: { bytesWritten: number } }>;

function decoder(decode: typeof gunzip | typeof brotliDecompress | typeof zstdDecompress): Decode {
  // What `info` gives is not in the types of Node.
  return promisify(decode) as unknown as Decode;
}

const gunzipAll = decoder(gunzip);
const inflateAll = decoder(inflate);
const inflateRawAll = decoder(inflateRaw);

/** Content codings by their names (RFC 9110 section 8.4.1, RFC 7932, RFC 8878). */
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: gunzipAll,
  'x-gzip': gunzipAll,
  br: decoder(brotliDecompress),
  zstd: decoder(zstdDecompress),
  // With the head of zlib, as it should be, or without, as some send it.
  deflate: (bytes, options) => (isZlib(bytes) ? inflateAll(bytes, options) : inflateRawAll(bytes, options)),
};

/** Each costs as much as may be held. */
const MAX_CODINGS = 2;

/**
 * A body without its content codings.
 *
 * @param codings in the order in which they were applied
 * @param maxBytes that it may become
 * @throws Unreadable
 */
export async function decoded(body: Buffer, codings: readonly string[], maxBytes: number): Promise<Buffer> {
  if (codings.length > MAX_CODINGS) throw new Unreadable(`it has more than ${MAX_CODINGS} content codings`);
  let plain = body;
  for (const coding of codings.toReversed()) {
    if (plain.length === 0) return plain;
    const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (decode === undefined) throw new Unreadable('it has a content coding that is not known');
    plain = await decodedOnce(decode, plain, maxBytes);
  }
  return plain;
}

async function decodedOnce(decode: Decode, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    const { buffer, engine } = await decode(bytes, { maxOutputLength: maxBytes, info: true });
    if (engine.bytesWritten === bytes.length) return buffer;
  } catch (thrown) {
    const isLarge = (thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    if (isLarge) throw new Unreadable(`decoded it is larger than ${maxBytes} bytes (inspect.maxHeldBytes)`, true);
    throw new Unreadable('its content coding cannot be undone');
  }
  throw new Unreadable('something follows the end of its content coding');
}

/** RFC 1950 section 2.2. */
function isZlib(bytes: Buffer): boolean {
  return ((bytes[0] ?? 0) & 0x0f) === 8 && bytes.length >= 2 && bytes.readUInt16BE() % 31 === 0;
}
