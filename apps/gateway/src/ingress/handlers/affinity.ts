import type { KeyObject } from 'node:crypto';
import { type AgentPool, isFit, ownerOf, type Replica, replicaFor } from '@berth/agent-pool';
import {
  type DispatchSink,
  type ExchangeHandler,
  type ExchangeRequest,
  type FlatHeaders,
  IdPatterns,
  type OpenedExchange,
  type ResponseHead,
  SinkDecorator,
} from '@berth/exchange';
import { headerValue } from '@berth/http-rules';
import type { LocalService } from '../../agents/index.js';
import { AffinityCookies } from '../affinity-cookies.js';
import type { ExchangeContext } from '../exchange-context.js';
import { takeCookie } from '../take-cookie.js';

/** Says, where asked for, whether an answer comes from the replica that its client belongs to; `new`: it belonged to none. */
const REPORT_HEADER = 'Berth-Affinity';

/** More cookies of one name than that have not come from a browser, and each costs a check. */
const MAX_COOKIES = 4;

/**
 * Keeps a client at one replica, as long as that can take its requests: the
 * request says where it should go, and the pool has the last word.
 */
export function affinity(context: ExchangeContext): ExchangeHandler | undefined {
  const { affinityKey, service, options } = context;
  const { agents, by: usual, header } = options.affinity;
  const by = new IdPatterns(Object.entries(agents)).find(service.id) ?? usual;
  // Who does not share its id has one replica.
  if (by === 'off' || !service.agent.shared) return undefined;
  if (by === 'cookie') return affinityKey && byCookie(context, affinityKey);
  if (by === 'client') return byKey(context, ({ clientAddress }) => clientAddress);
  const name = header.toLowerCase();
  return byKey(context, ({ openHead }) => headerValue(openHead.headers, name) ?? '');
}

function byKey(context: ExchangeContext, keyOf: (request: ExchangeRequest) => string): ExchangeHandler {
  const { service, options } = context;
  const { connections: pool } = service;
  const { reportHeader } = options.affinity;
  return (next) => (request, sink) => {
    const key = keyOf(request);
    if (key === '') {
      next(request, sink);
      return;
    }
    const { openHead, clientAddress } = request;
    const wish = { openHead, clientAddress, replicaId: replicaFor(pool, key)?.id };
    if (!reportHeader) {
      next(wish, sink);
      return;
    }
    const owner = ownerOf(pool, key);
    next(wish, new AffineExchange(sink, pool, ({ id }) => [REPORT_HEADER, id === owner?.id ? 'kept' : 'moved']));
  };
}

function byCookie({ service, options }: ExchangeContext, key: KeyObject): ExchangeHandler {
  const { connections: pool } = service;
  const { cookieTtlSeconds, reportHeader } = options.affinity;
  const cookies = new AffinityCookies(key, service.key, cookieTtlSeconds);
  return (next) => (request, sink) => {
    const { openHead, clientAddress } = request;
    const taken = takeCookie(openHead.headers, cookieName(service));
    const now = Date.now();
    const claim = taken?.values
      .slice(0, MAX_COOKIES)
      .map((value) => cookies.read(value, now))
      .find((read) => read !== undefined);
    const owner = claim && pool.members.find(({ replica }) => cookies.tagOf(replica) === claim.tag)?.replica;

    const fieldsOf = (served: Replica): FlatHeaders => {
      const isKept = claim !== undefined && served.id === owner?.id;
      const fields = reportHeader ? [REPORT_HEADER, claim === undefined ? 'new' : isKept ? 'kept' : 'moved'] : [];
      // One that is only full keeps its clients.
      const stays = isKept ? !cookies.isAgeing(claim, now) : owner !== undefined && isFit(pool, owner);
      if (!stays) fields.push('Set-Cookie', setCookie(service, cookies.issue(served, now), cookieTtlSeconds));
      return fields;
    };
    next(
      {
        openHead: taken === undefined ? openHead : { ...openHead, headers: taken.headers },
        clientAddress,
        replicaId: owner?.id,
      },
      new AffineExchange(sink, pool, fieldsOf),
    );
  };
}

/** Adds fields to the head of an answer, by the replica that it comes from. */
class AffineExchange extends SinkDecorator {
  private served: Replica | undefined;

  constructor(
    sink: DispatchSink,
    private readonly pool: AgentPool,
    private readonly fieldsOf: (served: Replica) => FlatHeaders,
  ) {
    super(sink);
  }

  override opened(exchange: OpenedExchange): void {
    this.served = this.pool.of(exchange.connection)?.replica;
    this.sink.opened(exchange);
  }

  override head(head: ResponseHead): void {
    const fields = this.served === undefined ? [] : this.fieldsOf(this.served);
    this.sink.head(fields.length === 0 ? head : { ...head, headers: [...head.headers, ...fields] });
  }
}

/** Made of the port: cookies are for a host, whatever its ports. */
function cookieName({ port }: LocalService): string {
  return `berth-${port}`;
}

function setCookie(service: LocalService, value: string, ttlSeconds: number): string {
  const secure = service.scheme === 'https' ? '; Secure' : '';
  return `${cookieName(service)}=${value}; Max-Age=${ttlSeconds}; Path=/; HttpOnly; SameSite=Lax${secure}`;
}
