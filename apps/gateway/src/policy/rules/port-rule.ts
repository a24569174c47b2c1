import type { BerthError } from '@berth/errors';
import { type DispatchSink, type ExchangeHandler, type FlatHeaders, ResetCode } from '@berth/exchange';
import type { LimitedLog } from '@berth/observability';
import type { PolicyAgents } from '../../policy-agents/index.js';
import type { Policy } from '../policy-schema.js';

/** What all rules of one port know of it. */
export interface RuleContext {
  /** name of the local service beside those of all agents */
  readonly key: string;
  /** clients speak TLS to the port */
  readonly secure: boolean;
  /** for lines that clients can cause */
  readonly limitedLog: LimitedLog;
  /** counts what is kept out. @param rule its setting */
  readonly countRefusal: (rule: RefusingRule) => void;
  readonly policyAgents: PolicyAgents;
}

/** Rules that keep requests out, by their settings. */
export type RefusingRule =
  | 'access'
  | 'access.readOnly'
  | 'auth'
  | 'auth.forwardUrl'
  | 'limits.maxExchanges'
  | 'limits.maxExchangesPerClient'
  | 'maintenance'
  | 'rate';

/** One kind of rule for ports. */
export interface PortRule {
  /** groups of the policy that it is made from: while they stay as they are, so does what it has counted */
  readonly reads: readonly (keyof Policy)[];
  /** it is for raw TCP as well */
  readonly tcp?: true;
  /** @returns undefined when the policy does not set it */
  make(policy: Policy, context: RuleContext): ExchangeHandler | undefined;
}

/** Ends a request that never becomes an exchange, with an error answer. @param fields for its head */
export function refuse(sink: DispatchSink, error: BerthError, fields?: FlatHeaders): void {
  sink.failed({ code: ResetCode.refused, message: error.message, error, ...(fields && { fields }) });
}
