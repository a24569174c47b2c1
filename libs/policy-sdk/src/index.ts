export type { EventKind } from '@berth/policy-agents';
