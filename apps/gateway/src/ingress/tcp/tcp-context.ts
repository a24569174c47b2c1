import type { Dispatch } from '@berth/exchange';
import type { ExchangeContext } from '../exchange-context.js';
import type { PipeLog } from './pipe-log.js';

/** What all connections of one TCP port share. */
export interface TcpContext extends ExchangeContext {
  readonly pipeLog: PipeLog;
  /** opens exchanges, through all handlers; replaced when the policy of the port changes */
  dispatch: Dispatch;
}
