import { cut } from '@berth/observability';
import type { AuditData } from '../answers.js';
import { type Fields, optionalDecimal, textMap, texts } from './fields.js';

export function writeAudit(of: AuditData | undefined): Fields | undefined {
  return (
    of && {
      tags: of.tags,
      rule_ids: of.ruleIds,
      confidence: of.confidence,
      reason_codes: of.reasonCodes,
      custom: of.custom,
    }
  );
}

/** What an agent says is as long as it likes: entries of each kind and characters of each that are taken for logs and people. */
const MAX_ENTRIES = 32;
const MAX_CHARS = 256;

/** The rest is left out of what is too long. @throws Error when it is no such message */
export function readAudit(from: Fields | undefined): AuditData | undefined {
  return (
    from && {
      tags: few(from, 'tags'),
      ruleIds: few(from, 'rule_ids'),
      confidence: optionalDecimal(from, 'confidence'),
      reasonCodes: few(from, 'reason_codes'),
      custom: Object.fromEntries(
        Object.entries(textMap(from, 'custom'))
          .slice(0, MAX_ENTRIES)
          .map(([name, value]) => [short(name), short(value)]),
      ),
    }
  );
}

function few(from: Fields, name: string): readonly string[] {
  return texts(from, name).slice(0, MAX_ENTRIES).map(short);
}

/** A copy: a slice would keep all of the text. */
function short(text: string): string {
  return text.length <= MAX_CHARS ? text : Buffer.from(cut(text, MAX_CHARS)).toString();
}

/** Whether there is anything in it: agents of the original send one with every answer. */
export function hasAudit({ tags, ruleIds, confidence, reasonCodes, custom }: AuditData): boolean {
  return (
    tags.length > 0 ||
    ruleIds.length > 0 ||
    confidence !== undefined ||
    reasonCodes.length > 0 ||
    Object.keys(custom).length > 0
  );
}
