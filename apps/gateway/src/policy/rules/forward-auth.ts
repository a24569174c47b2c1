import { BerthError, messageOf } from '@berth/errors';
import {
  type Dispatch,
  type DispatchSink,
  ExchangeKind,
  type ExchangeRequest,
  type FlatHeaders,
  type Waiting,
} from '@berth/exchange';
import { headerPairs, headerValue } from '@berth/http-rules';
import type { Policy } from '../policy-schema.js';
import { answer } from './answer.js';
import { changedHeaders } from './header-rules.js';
import { type PortRule, refuse, type RuleContext } from './port-rule.js';

/** Of an answer that refuses, so many bytes reach the client. */
const MAX_BODY_BYTES = 65_536;

/** Headers of a message or of one connection, which are not for another message. */
const OWN = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
  ...['host', 'content-length', 'content-encoding', 'content-type', 'accept-encoding', 'date'],
]);

/** An outside program says for each request whether it may pass, as nginx's auth_request and Traefik's ForwardAuth ask it. */
export const forwardAuth: PortRule = {
  reads: ['auth'],
  make({ auth }, context) {
    if (auth.forwardUrl === '') return undefined;
    return (next) => (request, sink) => {
      void new Check(request, sink, auth, context).run(next);
    };
  },
};

class Check implements Waiting {
  private readonly abort = new AbortController();

  constructor(
    private readonly request: ExchangeRequest,
    private readonly sink: DispatchSink,
    private readonly auth: Policy['auth'],
    private readonly context: RuleContext,
  ) {}

  cancel(): void {
    this.abort.abort();
  }

  /** Never rejects. */
  async run(next: Dispatch): Promise<void> {
    const { abort, auth, sink } = this;
    sink.waiting(this);
    try {
      const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(auth.forwardTimeoutMs)]);
      const response = await fetch(auth.forwardUrl, { headers: this.question(), redirect: 'manual', signal });
      if (response.ok) {
        await response.body?.cancel();
        if (!abort.signal.aborted) next(this.passed(response.headers), sink);
        return;
      }
      const body = await beginOf(response);
      if (!abort.signal.aborted) this.refuse(response, body);
    } catch (thrown) {
      if (abort.signal.aborted) return;
      const { key, limitedLog } = this.context;
      const reason = messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
      limitedLog.error(
        { agentId: key, url: auth.forwardUrl, reason },
        'a request could not be checked (auth.forwardUrl)',
      );
      const what = 'whether this request may pass cannot be told now (auth.forwardUrl)';
      refuse(sink, new BerthError('BERTH_AUTH_UNAVAILABLE', what, { cause: thrown }));
    }
  }

  private question(): [string, string][] {
    const { clientAddress, openHead } = this.request;
    const asked = headerPairs(openHead.headers).filter(([name]) => {
      const lower = name.toLowerCase();
      return !OWN.has(lower) && !lower.startsWith('x-forwarded-') && lower !== 'forwarded';
    });
    return [
      ...asked,
      ['X-Forwarded-Method', openHead.method],
      ['X-Forwarded-Proto', this.context.secure ? 'https' : 'http'],
      ['X-Forwarded-Host', headerValue(openHead.headers, 'host') ?? ''],
      ['X-Forwarded-Uri', openHead.target],
      ['X-Forwarded-For', clientAddress],
    ];
  }

  /** The request with what the program says of its client. */
  private passed(headers: Headers): ExchangeRequest {
    const { clientAddress, except, openHead, replicaId } = this.request;
    const names = this.auth.forwardHeaders;
    const put = names.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [name, value];
    });
    const drop = new Set(names.map((name) => name.toLowerCase()));
    const head = { ...openHead, headers: changedHeaders(openHead.headers, { drop, put }) };
    return { clientAddress, except, openHead: head, replicaId };
  }

  private refuse({ headers, status }: Response, body: Buffer): void {
    const fields: FlatHeaders = [];
    for (const [name, value] of headers) {
      if (name === 'content-type' || !OWN.has(name)) fields.push(name, value);
    }
    const isHead = this.request.openHead.method === 'HEAD' && this.request.openHead.kind === ExchangeKind.http;
    answer(this.sink, status, fields, body, isHead);
  }
}

/** @returns what there is of the body, up to {@link MAX_BODY_BYTES} */
async function beginOf(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).length;
    if (bytes >= MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES);
}
