import type { ConfigChange, ConfigUpdate } from '../../reports.js';
import { count, decimal, type Fields, flag, inner, inners, optionalText, text, texts } from '../fields.js';

export function writeUpdate(of: ConfigUpdate): Fields {
  return { update_type: writeChange(of.change), request_id: of.requestId, timestamp_ms: of.timestampMs };
}

function writeChange(of: ConfigChange): Fields {
  switch (of.kind) {
    case 'reload':
      return { type: 'request_reload' };
    case 'rules':
      return {
        type: 'rule_update',
        rule_set: of.ruleSet,
        rules: of.rules.map((rule) => ({
          id: rule.id,
          priority: rule.priority,
          definition: JSON.parse(rule.definitionJson) as unknown,
          enabled: rule.enabled,
          description: rule.description ?? null,
          tags: rule.tags,
        })),
        remove_rules: of.removeRules,
      };
    case 'list':
      return { type: 'list_update', list_id: of.listId, add: of.add, remove: of.remove };
    case 'restart':
      return { type: 'restart_required', reason: of.reason, grace_period_ms: of.gracePeriodMs };
    case 'error':
      return { type: 'config_error', error: of.error, field: of.field ?? null };
  }
}

/** @throws Error when it is no such message */
export function readUpdate(from: Fields): ConfigUpdate {
  return {
    kind: 'configUpdate',
    requestId: text(from, 'request_id'),
    timestampMs: count(from, 'timestamp_ms'),
    change: readChange(inner(from, 'update_type') ?? {}),
  };
}

function readChange(from: Fields): ConfigChange {
  const type = text(from, 'type');
  switch (type) {
    case 'request_reload':
      return { kind: 'reload' };
    case 'rule_update':
      return {
        kind: 'rules',
        ruleSet: text(from, 'rule_set'),
        rules: inners(from, 'rules').map((rule) => ({
          id: text(rule, 'id'),
          priority: decimal(rule, 'priority'),
          definitionJson: JSON.stringify(rule['definition'] ?? null),
          enabled: flag(rule, 'enabled'),
          description: optionalText(rule, 'description'),
          tags: texts(rule, 'tags'),
        })),
        removeRules: texts(from, 'remove_rules'),
      };
    case 'list_update':
      return { kind: 'list', listId: text(from, 'list_id'), add: texts(from, 'add'), remove: texts(from, 'remove') };
    case 'restart_required':
      return { kind: 'restart', reason: text(from, 'reason'), gracePeriodMs: count(from, 'grace_period_ms') };
    case 'config_error':
      return { kind: 'error', error: text(from, 'error'), field: optionalText(from, 'field') };
    default:
      throw new Error(`type ${JSON.stringify(type.slice(0, 40))} of an update is unknown`);
  }
}
