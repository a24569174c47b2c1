import { Inject, Injectable } from '@nestjs/common';
import { LimitedLog, type Log } from '@berth/observability';
import { GATEWAY_LOG } from '../gateway.tokens.js';

/** Takes the lines that anybody who reaches the gRPC port can cause. */
@Injectable()
export class EdgeLog extends LimitedLog {
  constructor(@Inject(GATEWAY_LOG) log: Log) {
    super(log);
  }
}
