import { type BrotliCompress, constants, createBrotliCompress, createGzip, type Gzip } from 'node:zlib';

export type Encoding = 'br' | 'gzip';
export type Compressor = BrotliCompress | Gzip;

/** Answers that are compressed at a time, of all ports. Each takes up to 1.2 MB; further answers pass as they are. */
export const MAX_COMPRESSORS = 128;

/** Fast rather than small: about what gzip takes, in less time. */
const BROTLI = { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_LGWIN]: 18 };

/** Compressors at work: their memory is bounded. */
export class Compressors {
  private atWork = 0;

  /** @param most at a time */
  constructor(private readonly most = MAX_COMPRESSORS) {}

  /** @returns undefined when there are as many as there may be; one counts until it is destroyed */
  start(encoding: Encoding): Compressor | undefined {
    if (this.atWork >= this.most) return undefined;
    this.atWork += 1;
    const compressor = encoding === 'br' ? createBrotliCompress({ params: BROTLI }) : createGzip();
    compressor.once('close', () => {
      this.atWork -= 1;
    });
    return compressor;
  }

  get count(): number {
    return this.atWork;
  }
}

/** Of this process. */
export const compressors = new Compressors();
