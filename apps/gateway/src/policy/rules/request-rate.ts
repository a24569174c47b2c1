import { BerthError } from '@berth/errors';
import { type DispatchSink, type FlatHeaders, type ResponseHead, SinkDecorator } from '@berth/exchange';
import { addressKey } from '../address-key.js';
import { type PortRule, refuse } from './port-rule.js';
import { TokenBuckets } from './token-buckets.js';

/** What the headers call the rule (draft-ietf-httpapi-ratelimit-headers-10). */
const NAME = '"client"';

/** Requests per second of one client; who asks more often gets 429 and is told when to come back. */
export const requestRate: PortRule = {
  reads: ['rate'],
  make({ rate: { burst, requestsPerSecond } }, { countRefusal, key, limitedLog }) {
    if (requestsPerSecond === 0) return undefined;
    const size = burst === 0 ? requestsPerSecond : burst;
    const buckets = new TokenBuckets(requestsPerSecond, size);
    const policy = ['RateLimit-Policy', `${NAME};q=${size};w=${Math.ceil(size / requestsPerSecond)}`];
    return (next) => (request, sink) => {
      const client = addressKey(request.clientAddress);
      const { granted, left, waitMs, fullMs } = buckets.take(client, performance.now());
      const fields = [...policy, 'RateLimit', `${NAME};r=${left};t=${Math.ceil(fullMs / 1000)}`];
      if (granted) {
        next(request, new RatedAnswer(sink, fields));
        return;
      }
      limitedLog.warn({ agentId: key, client, requestsPerSecond }, 'a client asks too often (rate.requestsPerSecond)');
      const what = `${client} asks more often than ${requestsPerSecond} times a second (rate.requestsPerSecond)`;
      countRefusal('rate');
      refuse(sink, new BerthError('BERTH_TOO_MANY_REQUESTS', what), [
        ...fields,
        'Retry-After',
        String(Math.ceil(waitMs / 1000)),
      ]);
    };
  },
};

/** Tells the client how much it has left. */
class RatedAnswer extends SinkDecorator {
  constructor(
    sink: DispatchSink,
    private readonly fields: FlatHeaders,
  ) {
    super(sink);
  }

  override head(head: ResponseHead): void {
    this.sink.head(head.status === 101 ? head : { ...head, headers: [...head.headers, ...this.fields] });
  }
}
