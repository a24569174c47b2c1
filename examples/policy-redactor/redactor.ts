/** Bytes of the longest text that is looked for: an e-mail address. */
const MAX_MATCH = 330;

/** Digits of a payment card, in groups or not; and an address of e-mail, whose @ JSON may write as \u0040. */
const CARD = String.raw`(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)`;
const LABEL = '[A-Za-z0-9-]{1,63}';
const EMAIL = String.raw`(?<![\w.%+-])[\w.%+-]{1,64}(?:@|\\u0040)${LABEL}(?:\.${LABEL}){1,3}`;
const SOUGHT = new RegExp(`(?<card>${CARD})|${EMAIL}`, 'g');

/**
 * Masks numbers of payment cards and addresses of e-mail in a text that comes in
 * parts, wherever it was cut. What it gives has the length of what it was given,
 * and JSON stays JSON. It holds back at most the last 330 bytes.
 */
export class Redactor {
  found = 0;
  /** the last character that was given out: what stands before a match belongs to it */
  #before = '';
  #held = '';

  /** @returns what may go on now */
  push(data: Buffer, isLast: boolean): Buffer {
    // One character per byte: a cut within a character of UTF-8 does no harm.
    const text = this.#before + this.#held + data.toString('latin1');
    const until = isLast ? text.length : Math.max(this.#before.length, text.length - MAX_MATCH);
    let out = '';
    let at = this.#before.length;
    SOUGHT.lastIndex = at;
    for (let match = SOUGHT.exec(text); match !== null && match.index < until; match = SOUGHT.exec(text)) {
      out += text.slice(at, match.index) + this.#masked(match[0], match.groups?.['card'] !== undefined);
      at = SOUGHT.lastIndex;
    }
    const end = Math.max(at, until);
    out += text.slice(at, end);
    this.#before = text.slice(Math.max(0, end - 1), end);
    this.#held = text.slice(end);
    return Buffer.from(out, 'latin1');
  }

  #masked(text: string, isCard: boolean): string {
    if (isCard && !hasCheckDigit(text)) return text;
    this.found += 1;
    if (!isCard) return text.replace(/^[^@\\]+/, (name) => '*'.repeat(name.length));
    // The first digit and the last four stay; a number without quotes must not begin with 0.
    const last = text.length - 4;
    return text.replace(/\d/g, (digit, at: number) => (at === 0 || at >= last ? digit : '0'));
  }
}

/** The rule of Luhn, which tells cards from other long numbers. */
function hasCheckDigit(text: string): boolean {
  let sum = 0;
  const digits = text.replace(/\D/g, '');
  for (let at = 0; at < digits.length; at += 1) {
    const digit = Number(digits[digits.length - 1 - at]) * (at % 2 === 0 ? 1 : 2);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}
