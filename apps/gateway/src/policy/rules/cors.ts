import type { OutgoingHttpHeaders } from 'node:http';
import corsMiddleware from 'cors';
import {
  answer,
  type DispatchSink,
  type ExchangeFailure,
  ExchangeKind,
  type FlatHeaders,
  type ResponseHead,
  SinkDecorator,
} from '@berth/exchange';
import { headerValue, withoutHeaders } from '@berth/http-rules';
import type { Policy } from '../policy-schema.js';
import type { PortRule } from './port-rule.js';

/** Lets pages of other origins in; the fields are those of the `cors` library, for HTTP/2 as well. */
export const cors: PortRule = {
  reads: ['cors'],
  make({ cors: policy }) {
    if (policy.origins.length === 0) return undefined;
    const fieldsFor = corsFields(policy);
    // Most requests are of no page of another origin.
    const usual = fieldsFor([], 'GET');
    return (next) => (request, sink) => {
      const { headers, kind, method } = request.openHead;
      if (headerValue(headers, 'origin') === undefined) {
        next(request, new CorsAnswer(sink, usual));
        return;
      }
      const isPreflight =
        kind === ExchangeKind.http &&
        method === 'OPTIONS' &&
        headerValue(headers, 'access-control-request-method') !== undefined;
      const fields = fieldsFor(headers, isPreflight ? 'OPTIONS' : 'GET');
      if (isPreflight) answer(sink, 204, fields);
      else next(request, new CorsAnswer(sink, fields));
    };
  },
};

/** Asks the library, which speaks Express, for the fields of an answer. */
function corsFields(policy: Policy['cors']): (headers: FlatHeaders, method: string) => FlatHeaders {
  const { credentials, exposed, headers: allowed, maxAgeSeconds, methods, origins } = policy;
  const middleware = corsMiddleware({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: [...methods],
    ...(allowed.length > 0 && { allowedHeaders: [...allowed] }),
    exposedHeaders: [...exposed],
    // What several places say of a policy may come together so, and would let every page act as the user.
    credentials: credentials && !origins.includes('*'),
    maxAge: maxAgeSeconds,
  });
  return (headers, method) => {
    const asked = {
      origin: headerValue(headers, 'origin'),
      'access-control-request-headers': headerValue(headers, 'access-control-request-headers'),
    };
    const said: OutgoingHttpHeaders = {};
    const response = {
      statusCode: 200,
      getHeader: (name: string) => said[name],
      setHeader: (name: string, value: string) => (said[name] = value),
      end: () => undefined,
    };
    middleware({ method, headers: asked }, response, () => undefined);
    return Object.entries(said).flatMap(([name, value]) => (name === 'Content-Length' ? [] : [name, String(value)]));
  };
}

/** CORS is Berth's business here: the fields of the service's own go. */
class CorsAnswer extends SinkDecorator {
  constructor(
    sink: DispatchSink,
    private readonly fields: FlatHeaders,
  ) {
    super(sink);
  }

  override head(head: ResponseHead): void {
    this.sink.head({ ...head, headers: [...withoutHeaders(head.headers, isOfCors), ...this.fields] });
  }

  /** So that pages can read why it failed. */
  override failed(failure: ExchangeFailure): void {
    this.sink.failed({ ...failure, fields: [...(failure.fields ?? []), ...this.fields] });
  }
}

const PREFIX = 'access-control-';

function isOfCors(name: string): boolean {
  return name.length > PREFIX.length && name.slice(0, PREFIX.length).toLowerCase() === PREFIX;
}
