import { BerthError } from '@berth/errors';
import { Injectable } from '@nestjs/common';
import { type ChosenAgent, type ExchangeHandler, type ExchangeRule, ResetCode, UseOnExchanges } from 'berth-gateway';

/** Lets nothing but GET and HEAD reach agents that registered with the metadata `mode=read-only`. */
@Injectable()
@UseOnExchanges({ order: 250 })
export class ReadOnly implements ExchangeRule {
  handlerFor({ id, metadata }: ChosenAgent): ExchangeHandler | undefined {
    if (metadata['mode'] !== 'read-only') return undefined;
    return (next) => (request, sink) => {
      const { method } = request.openHead;
      if (method === 'GET' || method === 'HEAD') {
        next(request, sink);
        return;
      }
      const error = new BerthError('BERTH_METHOD_NOT_ALLOWED', `agent ${id} is read-only`);
      sink.failed({ code: ResetCode.refused, message: error.message, error });
    };
  }
}
