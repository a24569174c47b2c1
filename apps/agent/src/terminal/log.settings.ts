import { LogSettings, Switch } from '@berth/config';

export class AgentLogSettings extends LogSettings {
  @Switch({
    optional: true,
    standard: 'on where lines are pretty',
    description: 'Each request that has ended: method, path without query, status, duration, bytes.',
  })
  requests: boolean | null = null;
}
