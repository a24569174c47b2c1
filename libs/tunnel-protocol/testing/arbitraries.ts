import fc from 'fast-check';
import type { ExchangeKind, FlatHeaders, ResetCode } from '@berth/exchange';
import type { ModelFrame } from './frame-model.js';

/** Any bytes at all, one character each. */
export const latin1 = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const headers: fc.Arbitrary<FlatHeaders> = fc
  .array(fc.tuple(latin1(20), latin1(200)), { maxLength: 8 })
  .map((pairs) => pairs.flat());
const exchange = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 0x7fffffff }));
const status = fc.integer({ min: 100, max: 999 });
const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 256 });

export type ExchangeFrame = Exclude<ModelFrame, { kind: 'connection' }>;

/** Any frame of an exchange that a sender may build. */
export const exchangeFrame: fc.Arbitrary<ExchangeFrame> = fc.oneof(
  fc.record({
    exchange,
    kind: fc.constant('open' as const),
    head: fc.record(
      {
        kind: fc.constantFrom<ExchangeKind>(0, 1, 2),
        method: latin1(12),
        target: latin1(300),
        headers,
        body: fc.boolean(),
        service: fc.constantFrom('web', 'db-2'),
        traced: fc.constant(true),
      },
      { requiredKeys: ['kind', 'method', 'target', 'headers', 'body'] },
    ),
  }),
  fc.record({ exchange, kind: fc.constant('head' as const), head: fc.record({ status, reason: latin1(30), headers }) }),
  fc.record({ exchange, kind: fc.constant('data' as const), bytes: latin1(3000) }),
  fc.record({
    exchange,
    kind: fc.constant('end' as const),
    trailers: headers.map((list) => (list.length > 0 ? list : undefined)),
  }),
  fc.record({ exchange, kind: fc.constant('informational' as const), head: fc.record({ status, headers }) }),
  fc.record({
    exchange,
    kind: fc.constant('reset' as const),
    code: fc.integer({ min: 0, max: 9 }) as fc.Arbitrary<ResetCode>,
    message: ascii,
  }),
  fc.record({
    exchange,
    kind: fc.constantFrom('credit' as const, 'creditReturn' as const),
    bytes: fc.integer({ min: 0, max: 0xffffffff }),
  }),
  fc.record({ exchange, kind: fc.constantFrom('pause' as const, 'resume' as const) }),
);
