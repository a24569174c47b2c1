import type { KeyObject } from 'node:crypto';
import type { Server as HttpsServer } from 'node:https';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { AgentHttpServerFactory, bindKey, HttpServerPool, type PooledHttpServer } from '@berth/http-server-pool';
import { LimitedLog, type Log } from '@berth/observability';
import { PortCertificates } from '../../certificates/index.js';
import { GATEWAY_LOG } from '../../gateway.tokens.js';
import {
  agentPortsConfig,
  DEFAULT_PORT_KIND,
  hostFor,
  PortKinds,
  type PortOrder,
  type PortServerBuilder,
} from '../../ports/index.js';
import { AccessLog } from '../../access-log/index.js';
import { clientFinder, type Policy, PortPolicies, PortRules, ruleContext } from '../../policy/index.js';
import { ClientLimits, ClientTotal, MAX_REFUSED } from '../client-limits.js';
import { affinityKey } from '../affinity-cookies.js';
import { DEFAULT_RULE_ORDER, type ExchangeRule, UseOnExchanges } from '../exchange-handlers.js';
import { GatewayTracing } from '../../tracing/index.js';
import { accessLog } from '../handlers/access-log.js';
import { tracing } from '../handlers/tracing.js';
import { closedPort, exchangeChain } from '../handlers/chain.js';
import { refusedEntry } from '../refused-entry.js';
import { Deadlines } from '../handlers/deadlines.js';
import { ingressConfig } from '../ingress.settings.js';
import { FloodWatch } from '../http2/flood-watch.js';
import type { Http2Settings } from '../http2/http2.settings.js';
import { Http2Port } from '../http2/http2-port.js';
import type { Http2Options } from '../http2/session-options.js';
import { UploadBudget } from '../http2/upload-window.js';
import { type IngressInterceptor, UseAtIngress } from '../interceptor.js';
import { findMarked, type Marked } from '../marked-providers.js';
import { proxyGate } from '../proxy-gate.js';
import { AgentIngress } from './agent-ingress.js';
import { AnswerLog } from './answer-log.js';
import type { IngressContext, IngressOptions } from './ingress-context.js';
import { PipelineBudget } from './pipeline-budget.js';
import { type AgentPortMiddleware, isMeant, UseOnAgentPorts } from './port-middleware.js';

/** Where agents' servers listen, and how they end. */
export interface PlaceOptions {
  host: string;
  /** shown to people; empty: `host` */
  publicHost: string;
  /** for requests under way, ms */
  stopGraceMs: number;
}

/** Settings of HTTP ports: of each request, and of HTTP/2. */
export interface HttpPortOptions extends IngressOptions, Omit<Http2Options, keyof Http2Settings> {
  proxyHeaderTimeoutMs: number;
  http2: Readonly<Http2Settings>;
}

/** Makes HTTP ports: the server behind an agent's port, with the ingress of that agent as its only handler. */
@Injectable()
export class HttpPortBuilder implements PortServerBuilder, OnModuleInit {
  readonly kind = DEFAULT_PORT_KIND;
  private readonly deadlines = new Deadlines();
  private readonly affinityKey: KeyObject;
  private found: ReturnType<HttpPortBuilder['findProviders']> | undefined;
  private readonly pipelined: PipelineBudget;
  private readonly floods = new FloodWatch();
  private readonly uploads = new UploadBudget();
  private toldOfMiddleware = false;
  private readonly limitedLog: LimitedLog;

  /** @param ports where servers listen, and how they end */
  constructor(
    private readonly kinds: PortKinds,
    private readonly factory: AgentHttpServerFactory,
    private readonly servers: HttpServerPool,
    private readonly discovery: DiscoveryService,
    private readonly total: ClientTotal,
    private readonly certificates: PortCertificates,
    private readonly policies: PortPolicies,
    private readonly access: AccessLog,
    private readonly traces: GatewayTracing,
    @Inject(agentPortsConfig.KEY) private readonly ports: PlaceOptions,
    @Inject(ingressConfig.KEY) private readonly options: HttpPortOptions,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {
    this.affinityKey = affinityKey(options.affinity.secret);
    this.pipelined = new PipelineBudget(options.maxPipelined);
    this.limitedLog = new LimitedLog(log);
  }

  onModuleInit(): void {
    this.kinds.add(this);
  }

  build({ service, port }: PortOrder): PooledHttpServer {
    // Looked up with the first agent: by then every module is there.
    this.found ??= this.findProviders();
    const { access, affinityKey: key, deadlines, found, limitedLog, log, options, pipelined } = this;
    const secure = this.certificates.isOn(service);
    const tls = { ...options.tls, enabled: secure };
    const context: IngressContext = {
      service,
      options: { ...options, tls },
      deadlines,
      affinityKey: key,
      log,
      limitedLog,
      pipelined,
      answerLog: new AnswerLog(log, service.key, service.stats, (error, requestId, request) => {
        if (access.enabled) access.write(refusedEntry(service, error, requestId, request));
      }),
      dispatch: closedPort,
    };
    const { total } = this;
    const limits = new ClientLimits(service.key, total, limitedLog);
    const rules = new PortRules(ruleContext(service, secure, limitedLog, this.policies.policyAgents), false);
    const apply = (policy: Policy): void => {
      limits.own = policy.limits;
      server.server.maxConnections = (policy.limits.maxConnections || total.limits.maxConnections) + MAX_REFUSED;
      context.options = { ...options, tls, maxBodyBytes: policy.limits.maxBodyBytes || options.maxBodyBytes };
      const clientOf = clientFinder(policy);
      const watching = [tracing(service, this.traces, clientOf), accessLog(service, access, clientOf)];
      context.dispatch = exchangeChain(context, found.interceptors, found.rules, rules.handlers(policy), watching);
      ingress.gate = proxyGate(policy.access, { service, total, limitedLog, timeoutMs: options.proxyHeaderTimeoutMs });
    };
    let unfollow: (() => void) | undefined;
    const chosen = { id: service.id, service: service.name, metadata: service.metadata };
    const middleware = found.middleware.filter((each) => isMeant(each, chosen, log));
    const http2 = this.http2For(context, middleware.length > 0);
    const ingress = new AgentIngress(context, limits, http2, options.http2.clear);
    const place = { host: hostFor(service, { host: this.policies.hostOf(service) || this.ports.host }), port };
    const server = this.factory.create(`agent ${service.key}`, place, ingress, middleware, {
      requests: () => service.stats.requests,
      expose: this.addressFor(port, secure),
      stopGraceMs: this.ports.stopGraceMs,
      tls: this.certificates.optionsFor(service),
    });
    if (secure) this.certificates.follow(server.server as HttpsServer, service);
    server.server.on('listening', () => {
      this.servers.store(server);
      unfollow ??= this.policies.follow(service, apply);
    });
    server.onStopping = () => {
      http2?.goAway();
    };
    server.onStopped = () => {
      unfollow?.();
      unfollow = undefined;
      this.servers.delete(server);
    };
    return server;
  }

  /** undefined where clients speak HTTP/1 alone: Express cannot take requests of HTTP/2. */
  private http2For(context: IngressContext, hasMiddleware: boolean): Http2Port | undefined {
    const { options } = this;
    if (!options.http2.enabled) return undefined;
    if (!hasMiddleware) return new Http2Port(context, { ...options, ...options.http2 }, this.floods, this.uploads);
    if (options.http2.clear && !this.toldOfMiddleware) {
      this.toldOfMiddleware = true;
      this.log.info(
        { agentId: context.service.key },
        'ports with Express middleware speak HTTP/1.1 alone, whatever ingress.http2 says',
      );
    }
    return undefined;
  }

  /** As it is shown to people; undefined: as it listens. */
  private addressFor(port: number, secure: boolean): string | undefined {
    const { publicHost } = this.ports;
    return publicHost === '' ? undefined : `${secure ? 'https' : 'http'}://${bindKey({ host: publicHost, port })}`;
  }

  private findProviders() {
    const { discovery } = this;
    const instanceOf = <T>({ instance }: Marked<T>): T => instance;
    return {
      interceptors: findMarked<IngressInterceptor>(discovery, UseAtIngress).map(instanceOf),
      middleware: findMarked<AgentPortMiddleware>(discovery, UseOnAgentPorts).map(instanceOf),
      rules: findMarked<ExchangeRule>(discovery, UseOnExchanges, DEFAULT_RULE_ORDER),
    };
  }
}
