import type { SettingInfo } from './program.js';

/** What a text was read as, or what is wrong with it. */
export type Reading = { readonly value: unknown } | { readonly problem: string };

/**
 * Reads a setting's text form, as it stands in the environment, on the command
 * line, or in quotes in YAML. Strict: `8080x` and `yes` are problems.
 */
export function readText(setting: SettingInfo, text: string): Reading {
  switch (setting.kind) {
    case 'integer': {
      const value = Number(text);
      if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) return { value };
      return { problem: `must be a whole number from ${setting.min ?? ''} to ${setting.max ?? ''}` };
    }
    case 'share':
      return /^(\d+\.?\d*|\.\d+)$/.test(text) ? { value: Number(text) } : { problem: 'must be a number from 0 to 1' };
    case 'boolean':
      if (text === 'true' || text === '1') return { value: true };
      if (text === 'false' || text === '0') return { value: false };
      return { problem: 'must be true or false (or 1 or 0)' };
    case 'list':
      return { value: items(text) };
    case 'texts':
    case 'ports':
      return readRecord(text, setting.kind === 'ports');
    case 'tree':
      return readJson(text);
    default:
      return { value: text };
  }
}

const items = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

function readRecord(text: string, numbers: boolean): Reading {
  const entries = new Map<string, string | number>();
  for (const item of items(text)) {
    const [, key, value] = /^([^=]+?)\s*=\s*(.*)$/s.exec(item) ?? [];
    if (key === undefined || value === undefined) return { problem: 'must have the form name=value,name=value' };
    if (entries.has(key)) return { problem: `has "${key}" twice` };
    // What is no number stays text, and the setting's own rule says so.
    entries.set(key, numbers && /^\d+$/.test(value) ? Number(value) : value);
  }
  return { value: Object.fromEntries(entries) };
}

function readJson(text: string): Reading {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'must be JSON when it is given as text' };
  }
}
