import { type DispatchSink, type FlatHeaders, type ResponseHead, SinkDecorator } from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import { changedHeaders, type HeaderChanges, headerRules } from './header-rules.js';
import type { PortRule } from './port-rule.js';

/** What browsers are told unless the service tells them itself; the last where they speak TLS to the port. */
const SECURITY = [
  ['X-Content-Type-Options', 'nosniff'],
  ['X-Frame-Options', 'SAMEORIGIN'],
  ['Referrer-Policy', 'strict-origin-when-cross-origin'],
] as const;
const SECURITY_OF_TLS = ['Strict-Transport-Security', 'max-age=15552000'] as const;

/** Changes to the heads of answers, those of switches left out. */
export const responseHeaders: PortRule = {
  reads: ['headers'],
  make({ headers: { response, security } }, { secure }) {
    const changes = headerRules(response);
    const missing = security ? [...SECURITY, ...(secure ? [SECURITY_OF_TLS] : [])] : [];
    if (changes === undefined && missing.length === 0) return undefined;
    return (next) => (request, sink) => {
      next(request, new RuledAnswer(sink, changes, missing));
    };
  },
};

class RuledAnswer extends SinkDecorator {
  constructor(
    sink: DispatchSink,
    private readonly changes: HeaderChanges | undefined,
    private readonly missing: readonly (readonly [name: string, value: string])[],
  ) {
    super(sink);
  }

  override head(head: ResponseHead): void {
    if (head.status === 101) {
      this.sink.head(head);
      return;
    }
    const { changes, missing } = this;
    const headers: FlatHeaders = changes === undefined ? [...head.headers] : changedHeaders(head.headers, changes);
    for (const [name, value] of missing)
      if (headerValue(headers, name.toLowerCase()) === undefined) headers.push(name, value);
    this.sink.head({ ...head, headers });
  }
}
