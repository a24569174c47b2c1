import { decoded, Unreadable } from './decoded.js';
import type { GuardrailText } from './guardrail-question.js';
import { isWholeJson, mayHaveTexts, requestTexts, responseTexts } from './guardrail-texts.js';
import { StreamTexts } from './stream-texts.js';
import type { BodyForm, TextReader } from './text-reader.js';

export function textReader(form: BodyForm): TextReader {
  return form.stream !== undefined && form.codings.length === 0 ? new StreamTexts(form.stream) : new WholeTexts(form);
}

/** Of a body whose texts are known at its end alone. */
class WholeTexts implements TextReader {
  hasNone = false;
  readonly isDue = false;
  readonly isClear = false;
  /** where it begins has been seen */
  private isKnown: boolean;

  constructor(private readonly form: BodyForm) {
    this.isKnown = form.codings.length > 0;
  }

  push(bytes: Buffer): number {
    if (!this.isKnown) {
      const has = mayHaveTexts(bytes);
      this.isKnown = has !== undefined;
      this.hasNone = has === false;
    }
    return 0;
  }

  async take(held: () => Buffer, isEnd: boolean): Promise<readonly GuardrailText[]> {
    if (!isEnd) return [];
    const { codings, maxBytes } = this.form;
    const body = held();
    if (codings.length === 0) return this.textsIn(body);
    // Some services read JSON whatever its coding is said to be, and what has a coding may begin like JSON, as brotli does.
    const asItCame = mayHaveTexts(body) === true ? this.textsIn(body) : [];
    try {
      return [...asItCame, ...this.textsIn(await decoded(body, codings, maxBytes))];
    } catch (thrown) {
      if (thrown instanceof Unreadable && !thrown.isLarge && isWholeJson(body)) return asItCame;
      throw thrown;
    }
  }

  /** @throws Unreadable */
  private textsIn(plain: Buffer): readonly GuardrailText[] {
    const { side, stream } = this.form;
    try {
      if (stream !== undefined) return StreamTexts.all(stream, plain);
      return side === 'request' ? requestTexts(plain) : responseTexts(plain);
    } catch (thrown) {
      // JSON may be as deep as the stack, or longer than a text.
      if (thrown instanceof RangeError) throw new Unreadable('it cannot be taken apart');
      throw thrown;
    }
  }
}
