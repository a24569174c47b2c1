/** Why an exchange was cancelled before its end (checklist C11). */
export const CANCEL_REASONS = [
  'client_disconnect',
  'timeout',
  'blocked_by_agent',
  'upstream_error',
  'proxy_shutdown',
  'manual',
] as const;

export type CancelReason = (typeof CANCEL_REASONS)[number];
