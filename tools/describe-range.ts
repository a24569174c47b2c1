import type { SettingInfo } from '@berth/config';

const UNITS = { Ms: 'ms', Bytes: 'bytes', Seconds: 's' };

/** What values a setting takes, with their unit. */
export function describeRange(setting: SettingInfo): string {
  const { kind, path, min, max, choices, unit } = setting;
  const found = unit ?? Object.entries(UNITS).find(([ending]) => path.endsWith(ending))?.[1];
  switch (kind) {
    case 'integer':
      // A number that is only the machine's limit says nothing.
      return `${min ?? ''}${(max ?? 0) > 2_000_000_000 ? ' and more' : ` to ${max ?? ''}`}${found === undefined ? '' : ` ${found}`}`;
    case 'share':
      return '0 to 1';
    case 'boolean':
      return 'true, false';
    case 'choice':
      return (choices ?? []).join(', ');
    case 'list':
      return setting.secret === true ? 'list, secret' : 'list; as text `a,b`';
    case 'ports':
      return 'names with a port of 1 to 65535; as text `a=1,b=2`';
    case 'texts':
      return setting.secret === true ? 'names with a text, secret' : 'names with a text; as text `a=x,b=y`';
    case 'tree':
      return 'names with groups; as text JSON';
    case 'file':
      return 'file';
    default:
      return setting.secret === true ? 'text, secret' : 'text';
  }
}
