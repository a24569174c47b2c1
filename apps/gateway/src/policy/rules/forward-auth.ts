import { BerthError, messageOf } from '@berth/errors';
import {
  answer,
  type Dispatch,
  type DispatchSink,
  ExchangeKind,
  type ExchangeRequest,
  type FlatHeaders,
  type Waiting,
  withHeaders,
} from '@berth/exchange';
import { FRAMING, headerValue, headerValues, withoutHeaders } from '@berth/http-rules';
import type { Policy } from '../policy-schema.js';
import { type AuthAnswer, type AuthAsker, AuthQuestion } from './auth-question.js';
import { type PortRule, refuse, type RuleContext } from './port-rule.js';

/** Of a request, what is about its body, or about the answer that the client has: not about the program's. */
const NOT_ASKED = new Set([
  ...[...FRAMING, 'host', 'expect', 'content-encoding', 'content-type', 'content-md5', 'accept-encoding', 'range'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range', 'forwarded', 'x-real-ip'],
]);

const NOT_ANSWERED = new Set([...FRAMING, 'date']);

/** An outside program says for each request whether it may pass, as nginx's auth_request and Traefik's ForwardAuth ask it. */
export const forwardAuth: PortRule = {
  reads: ['auth'],
  make({ auth }, context) {
    if (auth.forwardUrl === '') return undefined;
    const rule = { url: new URL(auth.forwardUrl), auth, names: new Set(auth.forwardHeaders.map(likeName)), ...context };
    return (next) => (request, sink) => {
      sink.waiting(new Check(request, sink, next, rule));
    };
  },
};

interface Rule extends RuleContext {
  readonly url: URL;
  readonly auth: Policy['auth'];
  /** as {@link likeName} has them, of headers that the program gives */
  readonly names: ReadonlySet<string>;
}

class Check implements Waiting, AuthAsker {
  private readonly question: AuthQuestion;

  constructor(
    private readonly request: ExchangeRequest,
    private readonly sink: DispatchSink,
    private readonly next: Dispatch,
    private readonly rule: Rule,
  ) {
    this.question = new AuthQuestion(rule.url, this.headers(), rule.auth.forwardTimeoutMs, this);
  }

  cancel(): void {
    this.question.cancel();
  }

  answered(reply: AuthAnswer): void {
    if (reply.status >= 200 && reply.status < 300) this.next(this.passed(reply.headers), this.sink);
    else this.refuse(reply);
  }

  failed(error: Error): void {
    const { auth, countRefusal, key, limitedLog, url } = this.rule;
    const where = `${url.origin}${url.pathname}`;
    limitedLog.error(
      { agentId: key, url: where, timeoutMs: auth.forwardTimeoutMs, reason: messageOf(error) },
      'a request could not be checked (auth.forwardUrl)',
    );
    const what = 'whether this request may pass cannot be told now (auth.forwardUrl)';
    countRefusal('auth.forwardUrl');
    refuse(this.sink, new BerthError('BERTH_AUTH_UNAVAILABLE', what, { cause: error }));
  }

  private headers(): FlatHeaders {
    const { clientAddress, openHead } = this.request;
    const asked = withoutHeaders(openHead.headers, (name) => {
      const like = likeName(name);
      // Programs believe these, and only Berth may say them.
      return NOT_ASKED.has(like) || like.startsWith('x-forwarded-') || like.startsWith('x-original-');
    });
    return [
      ...['Host', this.rule.url.host],
      ...asked,
      ...['X-Forwarded-Method', openHead.method],
      ...['X-Forwarded-Proto', this.rule.secure ? 'https' : 'http'],
      ...['X-Forwarded-Host', headerValue(openHead.headers, 'host') ?? ''],
      ...['X-Forwarded-Uri', openHead.target],
      ...['X-Forwarded-For', clientAddress],
    ];
  }

  /** The request with what the program says of its client. */
  private passed(reply: FlatHeaders): ExchangeRequest {
    const { auth, names } = this.rule;
    const kept = withoutHeaders(this.request.openHead.headers, (name) => names.has(likeName(name)));
    const given = auth.forwardHeaders.flatMap((name) => headerValues(reply, name).flatMap((value) => [name, value]));
    return withHeaders(this.request, [...kept, ...given]);
  }

  private refuse({ body, headers, status }: AuthAnswer): void {
    this.rule.countRefusal('auth.forwardUrl');
    const fields = withoutHeaders(headers, (name) => NOT_ANSWERED.has(name.toLowerCase()));
    const { kind, method } = this.request.openHead;
    answer(this.sink, status, fields, body, method === 'HEAD' && kind === ExchangeKind.http);
  }
}

/** Services of CGI's kind take X_User for X-User. */
function likeName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}
