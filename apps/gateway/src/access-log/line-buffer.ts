/** Longer texts are cut: a line is for people and their tools. */
const MAX_CHARS = 2048;

const [ZERO, POINT] = [0x30, 0x2e];

/** Printable ASCII, but for what ends a quoted text. */
const SAFE = Uint8Array.from({ length: 256 }, (_, code) =>
  code >= 0x20 && code <= 0x7e && code !== 0x22 && code !== 0x5c ? 1 : 0,
);

/** Lines of ASCII as bytes: no string is made of a line, which would be garbage a moment later. */
export class LineBuffer {
  /** bytes that it has */
  length = 0;
  private readonly bytes: Buffer;

  /** @param capacity bytes; who adds sees to it that they are enough */
  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** @param ascii as it is */
  text(ascii: string): this {
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < ascii.length; i += 1) bytes[at++] = ascii.charCodeAt(i);
    this.length = at;
    return this;
  }

  /** @param said by a client; cut @param escape what stands for a character that is not printable ASCII, or `"` or `\` */
  escaped(said: string, escape: (code: number) => string): this {
    const { bytes } = this;
    const end = Math.min(said.length, MAX_CHARS);
    for (let i = 0; i < end; i += 1) {
      const code = said.charCodeAt(i);
      if (SAFE[code] === 1) bytes[this.length++] = code;
      else this.text(escape(code));
    }
    return end < said.length ? this.text('...') : this;
  }

  integer(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) return this.text(String(value));
    const { bytes } = this;
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits += 1;
    this.length += digits;
    let rest = value;
    for (let at = this.length - 1; at >= this.length - digits; at -= 1) {
      const tenth = Math.floor(rest / 10);
      bytes[at] = ZERO + (rest - tenth * 10);
      rest = tenth;
    }
    return this;
  }

  /** With up to three decimal places. */
  millis(ms: number): this {
    const micros = Math.round(ms * 1000);
    const whole = Math.floor(micros / 1000);
    this.integer(whole);
    const { bytes } = this;
    let rest = micros - whole * 1000;
    if (rest > 0) bytes[this.length++] = POINT;
    for (let unit = 100; rest > 0; unit /= 10) {
      const digit = Math.floor(rest / unit);
      bytes[this.length++] = ZERO + digit;
      rest -= digit * unit;
    }
    return this;
  }

  /** Empties it. @returns what it had, as a copy of that size */
  take(): Buffer {
    const taken = Buffer.allocUnsafeSlow(this.length);
    this.bytes.copy(taken, 0, 0, this.length);
    this.length = 0;
    return taken;
  }

  /** The same as a text. */
  takeText(): string {
    const text = this.bytes.toString('latin1', 0, this.length);
    this.length = 0;
    return text;
  }
}
