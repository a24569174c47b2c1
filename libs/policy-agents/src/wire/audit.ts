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

/** @throws Error when it is no such message */
export function readAudit(from: Fields | undefined): AuditData | undefined {
  return (
    from && {
      tags: texts(from, 'tags'),
      ruleIds: texts(from, 'rule_ids'),
      confidence: optionalDecimal(from, 'confidence'),
      reasonCodes: texts(from, 'reason_codes'),
      custom: textMap(from, 'custom'),
    }
  );
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
