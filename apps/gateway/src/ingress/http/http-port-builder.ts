import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { AgentHttpServerFactory, HttpServerPool, type PooledHttpServer } from '@berth/http-server-pool';
import { LimitedLog, type Log } from '@berth/observability';
import { GATEWAY_LOG } from '../../gateway.tokens.js';
import {
  agentPortsConfig,
  DEFAULT_PORT_KIND,
  PortKinds,
  type PortOrder,
  type PortServerBuilder,
} from '../../ports/index.js';
import { AgentIngress } from './agent-ingress.js';
import { AnswerLog } from './answer-log.js';
import { ClientLimits, ClientTotal, type ConnectionLimits } from '../client-limits.js';
import { Deadlines } from '../deadlines.js';
import type { IngressOptions } from '../ingress-context.js';
import { ingressConfig } from '../ingress.settings.js';
import { type IngressInterceptor, UseAtIngress } from '../interceptor.js';
import { findMarked } from '../marked-providers.js';
import { PipelineBudget } from './pipeline-budget.js';
import { type AgentPortMiddleware, isMeant, UseOnAgentPorts } from './port-middleware.js';

/** Makes HTTP ports: the server behind an agent's port, with the ingress of that agent as its only handler. */
@Injectable()
export class HttpPortBuilder implements PortServerBuilder, OnModuleInit {
  readonly kind = DEFAULT_PORT_KIND;
  private readonly deadlines = new Deadlines();
  private interceptors: readonly IngressInterceptor[] | undefined;
  private middleware: readonly AgentPortMiddleware[] | undefined;
  private readonly total: ClientTotal;
  private readonly pipelined: PipelineBudget;
  private readonly limitedLog: LimitedLog;

  /** @param ports the address that agents' ports listen on, and what they take */
  constructor(
    private readonly kinds: PortKinds,
    private readonly factory: AgentHttpServerFactory,
    private readonly servers: HttpServerPool,
    private readonly discovery: DiscoveryService,
    @Inject(agentPortsConfig.KEY) private readonly ports: ConnectionLimits & { host: string },
    @Inject(ingressConfig.KEY) private readonly options: IngressOptions,
    @Inject(GATEWAY_LOG) private readonly log: Log,
  ) {
    this.pipelined = new PipelineBudget(options.maxPipelined);
    this.total = new ClientTotal(ports, log);
    this.limitedLog = new LimitedLog(log);
  }

  onModuleInit(): void {
    this.kinds.add(this);
  }

  build({ agent, port }: PortOrder): PooledHttpServer {
    // Looked up with the first agent: by then every module is there.
    this.interceptors ??= findMarked<IngressInterceptor>(this.discovery, UseAtIngress);
    this.middleware ??= findMarked<AgentPortMiddleware>(this.discovery, UseOnAgentPorts);
    const { limitedLog } = this;
    const ingress = new AgentIngress(
      {
        agent,
        options: this.options,
        deadlines: this.deadlines,
        pipelined: this.pipelined,
        interceptors: this.interceptors,
        log: this.log,
        answerLog: new AnswerLog(this.log, agent.id),
        limitedLog,
      },
      new ClientLimits(agent.id, this.total, limitedLog),
    );
    const middleware = this.middleware.filter((each) => isMeant(each, agent, this.log));
    const server = this.factory.create(`agent ${agent.id}`, { host: this.ports.host, port }, ingress, middleware);
    server.server.once('listening', () => {
      this.servers.store(server);
    });
    server.server.once('close', () => {
      this.servers.delete(server);
    });
    return server;
  }
}
